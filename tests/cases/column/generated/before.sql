CREATE TABLE box (w integer, h integer, area integer GENERATED ALWAYS AS (w * h) STORED, label text);
CREATE VIEW big AS SELECT label FROM box WHERE area > 10;
