INSERT INTO word VALUES ('ä', 'z'), ('b', 'Y');
