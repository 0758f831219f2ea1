INSERT INTO customer VALUES (1); INSERT INTO purchase VALUES (1, 1, 5, 2);
