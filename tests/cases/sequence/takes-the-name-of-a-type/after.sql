CREATE TABLE t (id integer, l inet);
CREATE SEQUENCE n OWNED BY t.id;
