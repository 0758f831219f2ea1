CREATE SCHEMA app;
CREATE TYPE app.state AS ENUM ('new', 'old');
CREATE TABLE app.ship (id int PRIMARY KEY, state app.state, note text NOT NULL);
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON TYPES TO reader;
