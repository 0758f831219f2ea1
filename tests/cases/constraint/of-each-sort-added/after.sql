CREATE TABLE room (
    id integer NOT NULL, floor integer NOT NULL, code text, during tsrange, parent integer,
    CONSTRAINT room_pk PRIMARY KEY (id),
    CONSTRAINT room_code UNIQUE (floor, code) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT room_floor CHECK (floor BETWEEN -3 AND 40) NO INHERIT,
    CONSTRAINT room_parent FOREIGN KEY (parent) REFERENCES room (id) ON DELETE SET NULL DEFERRABLE,
    CONSTRAINT room_once EXCLUDE USING gist (during WITH &&) WHERE (floor > 0)
);
