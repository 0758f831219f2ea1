CREATE TABLE loses (a text);
CREATE TABLE gets (a text) WITH (toast.autovacuum_enabled = off);
CREATE TABLE changes (a text) WITH (toast.autovacuum_vacuum_threshold = 20, toast.vacuum_truncate = off);
