INSERT INTO account VALUES (1, 'reader', 3); INSERT INTO seen VALUES (1, 2);
