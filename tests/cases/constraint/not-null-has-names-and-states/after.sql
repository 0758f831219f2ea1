CREATE TABLE app (
    id bigint NOT NULL,
    a text CONSTRAINT "A" NOT NULL,
    c text CONSTRAINT c_is_there NOT NULL,
    d text CONSTRAINT d_now NOT NULL,
    e text,
    f text,
    g text NOT NULL DEFAULT 'g'
);
ALTER TABLE app ADD CONSTRAINT f_later NOT NULL f NOT VALID;
CREATE TABLE parent (a text NOT NULL, b text NOT NULL, c text CONSTRAINT here NOT NULL NO INHERIT, d text CONSTRAINT too NOT NULL NO INHERIT DEFAULT 'd');
CREATE TABLE child () INHERITS (parent);
