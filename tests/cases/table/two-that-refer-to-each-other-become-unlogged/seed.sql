BEGIN; INSERT INTO lock_mode VALUES ('a', 'b'); INSERT INTO lock VALUES ('a', 'b'); COMMIT; INSERT INTO waits VALUES (1, NULL, 'a'), (2, 1, 'a');
