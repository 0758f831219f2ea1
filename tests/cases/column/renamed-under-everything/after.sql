CREATE TABLE person (
    id integer PRIMARY KEY,
    email text NOT NULL, -- @renamed from=mail
    CONSTRAINT mail_form CHECK (email LIKE '%@%')
);
CREATE UNIQUE INDEX person_mail ON person (lower(email));
CREATE VIEW people AS SELECT id, email AS address FROM person;
CREATE POLICY own ON person USING (email = current_user);
COMMENT ON COLUMN person.email IS 'where to write';
GRANT SELECT (email) ON person TO reader;
