CREATE TABLE m (a integer, b text) PARTITION BY LIST (a);
CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (1);
CREATE INDEX m_b ON m (b);
ALTER INDEX m_1_b_idx SET (fillfactor = 55);
COMMENT ON INDEX m_1_b_idx IS 'of the first';
ALTER TABLE m_1 CLUSTER ON m_1_b_idx;
