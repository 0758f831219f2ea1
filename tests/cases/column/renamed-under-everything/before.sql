CREATE TABLE person (
    id integer PRIMARY KEY,
    mail text NOT NULL, -- @renamed from=email
    CONSTRAINT mail_form CHECK (mail LIKE '%@%')
);
CREATE UNIQUE INDEX person_mail ON person (lower(mail));
CREATE VIEW people AS SELECT id, mail AS address FROM person;
CREATE POLICY own ON person USING (mail = current_user);
COMMENT ON COLUMN person.mail IS 'where to write';
GRANT SELECT (mail) ON person TO reader;
