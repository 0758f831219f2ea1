CREATE TABLE item (id integer PRIMARY KEY, tenant text NOT NULL, name text);
CREATE UNIQUE INDEX item_of ON item (tenant, id);
ALTER TABLE item REPLICA IDENTITY USING INDEX item_of;
CREATE TABLE part (id integer PRIMARY KEY, tenant text NOT NULL);
CREATE UNIQUE INDEX part_of ON part (tenant, id);
ALTER TABLE part REPLICA IDENTITY USING INDEX part_of;
