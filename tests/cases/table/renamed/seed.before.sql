INSERT INTO ship VALUES (1, 'Argo'); INSERT INTO cargo VALUES (1, 'wool');
