INSERT INTO delta VALUES ('7', 'x');
INSERT INTO plain (n) VALUES (5);
