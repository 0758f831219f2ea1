CREATE TABLE box (w integer, h integer, area integer GENERATED ALWAYS AS (w * h) STORED);
