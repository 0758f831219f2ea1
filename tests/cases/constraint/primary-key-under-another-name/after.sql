CREATE TABLE kept (id integer NOT NULL, code text NOT NULL, CONSTRAINT the_key PRIMARY KEY (id));
CREATE TABLE other (id integer NOT NULL, code text NOT NULL, CONSTRAINT by_code PRIMARY KEY (code));
CREATE TABLE referring (kept_id integer CONSTRAINT to_kept REFERENCES kept);
