WITH c AS (INSERT INTO customer (name) VALUES ('new') RETURNING id) INSERT INTO invoice SELECT 1000, id, 5 FROM c;
DELETE FROM customer WHERE id = 3
