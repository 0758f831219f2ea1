INSERT INTO vessel VALUES (1, 'Argo'); INSERT INTO cargo VALUES (1, 'wool');
