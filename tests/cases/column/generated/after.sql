CREATE TABLE box (w integer, h integer, area bigint GENERATED ALWAYS AS (w::bigint * h) STORED, label text, upper_label text GENERATED ALWAYS AS (upper(label)) STORED);
CREATE VIEW big AS SELECT label FROM box WHERE area > 10;
