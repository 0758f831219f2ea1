CREATE SCHEMA app;
CREATE TYPE app.state AS ENUM ('new', 'old', 'gone');
CREATE TABLE app.ship (id int PRIMARY KEY, state app.state, note text);
