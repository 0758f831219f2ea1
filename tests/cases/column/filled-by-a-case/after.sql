CREATE TABLE item (id integer PRIMARY KEY, price bigint /* @convert using=(CASE WHEN price > 5 THEN price ELSE 5 END) back=price */,
    class text NOT NULL -- @backfill using=(CASE WHEN price > 7 THEN 'dear' ELSE 'cheap' END)
);
