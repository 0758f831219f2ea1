-- @renamed from=log online
CREATE TABLE journal (id bigint, day date NOT NULL, text text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
-- @renamed from=log_old online
CREATE TABLE journal_old PARTITION OF journal FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE log_new PARTITION OF journal FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE INDEX ON journal (day);
CREATE TABLE line (id bigint, day date, FOREIGN KEY (id, day) REFERENCES journal);
