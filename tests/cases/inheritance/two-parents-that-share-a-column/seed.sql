INSERT INTO c (id, z) VALUES (1, 'z'); INSERT INTO a (id) VALUES (2);
