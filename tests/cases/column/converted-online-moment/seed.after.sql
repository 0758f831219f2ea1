INSERT INTO event (at, day, tags) VALUES ('2026-01-01 00:00:00+00', '2026-05-01 10:00+00', '{a}'), (NULL, NULL, '{NULL}');
