CREATE TABLE person (id int PRIMARY KEY,
    alias text NOT NULL -- @renamed from=nick online
);
CREATE TABLE purchase (id int PRIMARY KEY, person int, total int, currency text);
CREATE VIEW totals AS SELECT person, sum(total) AS total, min(currency) AS currency FROM purchase GROUP BY person;
CREATE VIEW named AS SELECT p.alias AS who, t.total FROM person p LEFT JOIN totals t ON t.person = p.id;
