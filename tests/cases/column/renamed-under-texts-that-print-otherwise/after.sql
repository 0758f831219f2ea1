CREATE TABLE ticket (
    id bigint PRIMARY KEY,
    condition varchar(20) DEFAULT 'new' CONSTRAINT ticket_state_check CHECK (condition IN ('new', 'held', 'done')), -- @renamed from=state
    note text DEFAULT NULL
);
CREATE INDEX ticket_open ON ticket (note) WHERE condition IN ('new', 'held');
CREATE VIEW open_ticket AS SELECT id, condition AS state FROM ticket WHERE condition IN ('new', 'held');
CREATE POLICY open ON ticket USING (condition IN ('new', 'held'));
