INSERT INTO visit (note) VALUES ('a');
