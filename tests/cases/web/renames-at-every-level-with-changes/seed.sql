INSERT INTO cust (id, mail) VALUES (1, 'a@b');
