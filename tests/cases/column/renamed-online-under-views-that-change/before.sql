CREATE TABLE person (id int PRIMARY KEY,
    nick text NOT NULL -- @renamed from=alias online
);
CREATE TABLE purchase (id int PRIMARY KEY, person int, total int);
CREATE VIEW totals AS SELECT person, sum(total) AS total FROM purchase GROUP BY person;
CREATE VIEW named AS SELECT p.nick AS who, t.total FROM person p LEFT JOIN totals t ON t.person = p.id;
