INSERT INTO owner VALUES (1); INSERT INTO ship (name, owner) VALUES ('Argo', 1), ('Ark', 1); INSERT INTO cargo VALUES (2, 'Ark');
