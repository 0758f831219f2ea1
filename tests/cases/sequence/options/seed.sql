SELECT nextval('ticket_no'), nextval('other');
