CREATE TABLE guest (id integer PRIMARY KEY, name text, mail text, born date DEFAULT '2000-01-01', vip boolean NOT NULL DEFAULT false);
