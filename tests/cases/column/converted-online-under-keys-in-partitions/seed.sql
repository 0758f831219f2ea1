insert into ev select n, '2020-01-01'::date + n, case when n % 2 = 0 then 'a' else 'b' end, n % 5 from generate_series(1,600) n;
insert into use select id, at, x from ev where id % 3 = 0;
insert into zone select generate_series(1, 5);
insert into at_zone select n % 5 + 1, '2020-01-01'::date + n from generate_series(1, 300) n;
