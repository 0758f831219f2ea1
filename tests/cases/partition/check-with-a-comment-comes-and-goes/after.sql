CREATE TABLE event (day date NOT NULL, size int) PARTITION BY RANGE (day);
CREATE TABLE event_2024 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE event_2025 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
ALTER TABLE event ADD CONSTRAINT small CHECK (size < 1000);
COMMENT ON CONSTRAINT small ON event IS 'what is larger goes elsewhere';
COMMENT ON CONSTRAINT small ON event_2024 IS 'nothing larger came';
