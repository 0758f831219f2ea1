CREATE TABLE node (id integer PRIMARY KEY, parent integer REFERENCES node, name text);
CREATE RECURSIVE VIEW path (id, name) AS
    SELECT id, name FROM node WHERE parent IS NULL
    UNION ALL SELECT n.id, p.name || '/' || n.name FROM node n JOIN path p ON p.id = n.parent;
