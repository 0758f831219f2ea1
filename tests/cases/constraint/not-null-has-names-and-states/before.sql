CREATE TABLE app (
    id bigint CONSTRAINT app_has_an_id NOT NULL,
    a text NOT NULL,
    c text CONSTRAINT "c is there" NOT NULL,
    d text,
    e text,
    f text NOT NULL
);
ALTER TABLE app ADD CONSTRAINT e_soon NOT NULL e NOT VALID;
ALTER TABLE app ADD CONSTRAINT d_soon NOT NULL d NOT VALID;
COMMENT ON CONSTRAINT "c is there" ON app IS 'since 2019';
CREATE TABLE parent (a text NOT NULL NO INHERIT, b text NOT NULL, c text);
CREATE TABLE child () INHERITS (parent);
