INSERT INTO h_1 SELECT n FROM generate_series(1, 300) n WHERE satisfies_hash_partition('h'::regclass, 2, 1, n);
