CREATE TABLE box (w integer, h integer, area integer);
