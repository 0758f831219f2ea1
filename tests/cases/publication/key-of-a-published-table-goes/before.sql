CREATE TABLE ship (id integer CONSTRAINT ship_key PRIMARY KEY, name text);
CREATE TABLE port (id integer NOT NULL, CONSTRAINT port_id UNIQUE (id));
ALTER TABLE port REPLICA IDENTITY USING INDEX port_id;
CREATE PUBLICATION ships FOR TABLE ship, port;
