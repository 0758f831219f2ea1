INSERT INTO diary VALUES (1, 'calm');
