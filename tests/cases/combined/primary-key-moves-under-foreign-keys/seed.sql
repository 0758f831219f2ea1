INSERT INTO account VALUES (1, 'a'), (2, 'b'); INSERT INTO entry VALUES (1, 10), (2, 20);
