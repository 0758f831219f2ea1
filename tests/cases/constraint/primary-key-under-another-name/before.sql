CREATE TABLE kept (id integer NOT NULL, code text NOT NULL, CONSTRAINT by_id PRIMARY KEY (id));
CREATE TABLE other (id integer NOT NULL, code text NOT NULL, CONSTRAINT by_number PRIMARY KEY (id));
CREATE TABLE referring (kept_id integer CONSTRAINT to_kept REFERENCES kept);
