CREATE TABLE m (a int NOT NULL, b text NOT NULL) PARTITION BY LIST (b);
CREATE TABLE m_x PARTITION OF m FOR VALUES IN ('x');
CREATE UNIQUE INDEX m_all ON m (a, b);
-- its primary key becomes the part of m_all, which is no key
CREATE TABLE m_y (a int NOT NULL, b text NOT NULL, CONSTRAINT m_y_pkey PRIMARY KEY (a, b));
ALTER TABLE m ATTACH PARTITION m_y FOR VALUES IN ('y');
