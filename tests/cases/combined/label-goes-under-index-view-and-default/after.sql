CREATE TYPE state AS ENUM ('open', 'done');
CREATE TABLE job (id integer PRIMARY KEY, now state DEFAULT 'open');
CREATE UNIQUE INDEX job_open ON job (id) WHERE now = 'open';
CREATE VIEW job_now AS SELECT id, now FROM job;
