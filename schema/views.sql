-- What the back office looks at.

CREATE VIEW order_totals AS
SELECT o.id AS order_id,
       o.customer_id,
       o.status,
       o.placed_at,
       sum(i.quantity) AS pieces,
       sum(i.quantity * i.unit_price) AS total,
       o.currency
FROM orders o
JOIN order_items i ON i.order_id = o.id
GROUP BY o.id;

COMMENT ON VIEW order_totals IS 'Orders with anything in them.';

CREATE VIEW customer_sales AS
SELECT c.id AS customer_id,
       c.full_name AS customer,
       count(t.order_id) AS orders,
       coalesce(sum(t.total), 0) AS spent
FROM customers c
LEFT JOIN order_totals t ON t.customer_id = c.id AND t.status IN ('paid', 'sent')
GROUP BY c.id;

CREATE VIEW product_ratings AS
SELECT p.id AS product_id,
       p.name,
       round(avg(r.rating), 2) AS rating,
       count(r.id) AS reviews
FROM products p
LEFT JOIN reviews r ON r.product_id = p.id
GROUP BY p.id;
