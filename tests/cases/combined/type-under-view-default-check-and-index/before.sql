CREATE TABLE ticket (id integer PRIMARY KEY, state text DEFAULT 'open', CONSTRAINT known CHECK (state <> ''));
CREATE INDEX ticket_state ON ticket (state) WHERE state <> 'closed';
CREATE VIEW open_ticket AS SELECT id, state FROM ticket WHERE state = 'open';
