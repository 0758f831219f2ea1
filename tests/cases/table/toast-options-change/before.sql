CREATE TABLE loses (a text) WITH (toast.autovacuum_enabled = off);
CREATE TABLE gets (a text);
CREATE TABLE changes (a text) WITH (toast.autovacuum_vacuum_threshold = 10);
