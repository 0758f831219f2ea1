INSERT INTO line (n, price) VALUES (2, 3);
