CREATE TABLE ticket (
    id integer PRIMARY KEY,
    state varchar(20) DEFAULT 'new' CONSTRAINT ticket_state_check CHECK (state IN ('new', 'held', 'done')), -- @renamed from=condition
    note text DEFAULT NULL
);
CREATE INDEX ticket_open ON ticket (note) WHERE state IN ('new', 'held');
CREATE VIEW open_ticket AS SELECT id, state FROM ticket WHERE state IN ('new', 'held');
CREATE POLICY open ON ticket USING (state IN ('new', 'held'));
