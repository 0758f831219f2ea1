CREATE FUNCTION code(value integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'code-' || value $$;
CREATE DOMAIN code_d AS text DEFAULT code(1) CHECK (VALUE <> '');
CREATE TABLE items (id integer PRIMARY KEY, amount integer NOT NULL, c text DEFAULT code(5), d code_d,
    CONSTRAINT amount_ok CHECK (code(amount) <> 'code-0'));
CREATE INDEX items_code ON items (code(amount));
