CREATE UNLOGGED TABLE lock (
    name text,
    token text,
    PRIMARY KEY (name, token)
);
CREATE UNLOGGED TABLE lock_mode (
    name text PRIMARY KEY,
    token text,
    CONSTRAINT of_lock FOREIGN KEY (name, token) REFERENCES lock DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE lock ADD CONSTRAINT of_mode FOREIGN KEY (name) REFERENCES lock_mode;
CREATE UNLOGGED TABLE waits (id int PRIMARY KEY, parent int REFERENCES waits, name text REFERENCES lock_mode);
COMMENT ON CONSTRAINT of_lock ON lock_mode IS 'and back';
