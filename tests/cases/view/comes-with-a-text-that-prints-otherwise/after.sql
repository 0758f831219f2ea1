-- PostgreSQL prints what it printed of IN over a varchar in yet another way
CREATE TABLE ticket (id integer PRIMARY KEY, state varchar(20), note text);
CREATE VIEW open_ticket AS SELECT id, state FROM ticket WHERE state IN ('new', 'held');
CREATE VIEW any_open AS SELECT count(*) AS count FROM open_ticket;
