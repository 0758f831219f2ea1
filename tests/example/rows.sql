-- 200,000 rows for the schema of yesterday. Made from the row's own number, so that every run has the same.

INSERT INTO customers (email, name, phone, fax, created_at)
SELECT 'customer' || n || '@example.org',
       (ARRAY['Ada', 'Bo', 'Chen', 'Dina', 'Emil', 'Fatou', 'Goran', 'Hana', 'Ivo', 'Jun'])[1 + n % 10] || ' '
           || (ARRAY['Abel', 'Berg', 'Costa', 'Diaz', 'Eklund', 'Fischer', 'Gupta'])[1 + n / 10 % 7],
       CASE WHEN n % 3 > 0 THEN '+49 30 ' || lpad((n * 7919 % 1000000)::text, 6, '0') END,
       CASE WHEN n % 40 = 0 THEN '+49 30 ' || lpad((n * 7907 % 1000000)::text, 6, '0') END,
       timestamptz '2024-01-01 00:00Z' + n * interval '45 minutes'
FROM generate_series(1, 20000) AS n;

INSERT INTO addresses (customer_id, line1, postcode, city, country)
SELECT n, (ARRAY['High Street', 'Lindenweg', 'Rue du Port', 'Calle Mayor'])[1 + n % 4] || ' ' || 1 + n % 120,
       lpad((n * 31 % 100000)::text, 5, '0'),
       (ARRAY['Dublin', 'Leipzig', 'Nantes', 'Toledo'])[1 + n % 4], (ARRAY['IE', 'DE', 'FR', 'ES'])[1 + n % 4]
FROM generate_series(1, 20000) AS n;

INSERT INTO categories (parent_id, slug, name)
SELECT CASE WHEN n > 4 THEN 1 + n % 4 END, 'category-' || n, 'Category ' || n
FROM generate_series(1, 20) AS n;

INSERT INTO products (category_id, name, description, published)
SELECT 1 + n % 20, 'Product ' || n, repeat('All about product ' || n || '. ', 3), n % 10 > 0
FROM generate_series(1, 2000) AS n;

INSERT INTO variants (product_id, sku, size, colour, price)
SELECT 1 + n % 2000, 'P' || 1 + n % 2000 || '-' || n, (ARRAY['S', 'M', 'L'])[1 + n % 3],
       (ARRAY['black', 'white', 'red', 'blue'])[1 + n % 4], 5 + n % 95 + 0.95
FROM generate_series(1, 5000) AS n;

INSERT INTO stock (variant_id, on_hand, reserved)
SELECT n, 1000 + n % 90, n % 9 FROM generate_series(1, 5000) AS n;

INSERT INTO orders (customer_id, shipping_address_id, status, placed_at, created_at)
SELECT c, c, status, CASE WHEN status <> 'cart' THEN at END, at
FROM (SELECT 1 + n % 20000 AS c,
             (ARRAY['sent', 'sent', 'paid', 'placed', 'sent', 'cart', 'sent', 'cancelled', 'paid']::order_status[])[1 + n % 9] AS status,
             timestamptz '2025-06-01 00:00Z' + n * interval '15 minutes' AS at
      FROM generate_series(1, 36000) AS n) AS made;

INSERT INTO order_items (order_id, variant_id, quantity, unit_price)
SELECT 1 + n / 2, 1 + (n * 2 + n / 2) % 5000, 1 + n % 4, 5 + n % 95 + 0.95
FROM generate_series(0, 71999) AS n;

INSERT INTO payments (order_id, amount, method, reference)
SELECT n, 10 + n % 200, (ARRAY['card', 'card', 'transfer', 'voucher'])[1 + n % 4], 'R' || n
FROM generate_series(1, 20000) AS n;

INSERT INTO shipments (order_id, carrier, tracking, sent_at)
SELECT n, (ARRAY['Post', 'Parcel', 'Bicycle'])[1 + n % 3], 'T' || n, timestamptz '2025-07-01 00:00Z' + n * interval '20 minutes'
FROM generate_series(1, 12000) AS n;

INSERT INTO reviews (product_id, customer_id, rating, body)
SELECT 1 + n % 2000, 1 + n * 3 % 20000, 1 + n % 5, 'Review ' || n || ': as described.'
FROM generate_series(1, 7980) AS n;

ANALYZE;
