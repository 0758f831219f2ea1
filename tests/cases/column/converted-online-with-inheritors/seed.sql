INSERT INTO place (id, size) SELECT n, n FROM generate_series(1, 100) n;
INSERT INTO town (id, mayor) SELECT n, 'm' FROM generate_series(101, 200) n;
INSERT INTO capital (id, size, since) SELECT n, n, '2020-01-01' FROM generate_series(201, 300) n;
