INSERT INTO app.product (sku, price, status) VALUES ('A', 3, 'live'); INSERT INTO app.line (sku, qty) VALUES ('A', 2);
