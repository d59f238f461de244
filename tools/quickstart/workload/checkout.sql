-- A purchase: the writes of the shop.
\set customer random_zipfian(1, 100000, 1.1)
\set product random_zipfian(1, 20000, 1.2)
\set price random(5, 300)
BEGIN;
INSERT INTO orders (customer_id, status, ordered_at, total) VALUES (:customer, 'open', now(), :price) RETURNING id AS order \gset
INSERT INTO order_lines (order_id, line, product_id, quantity, price) VALUES (:order, 1, :product, 1, :price);
UPDATE products SET stock = stock - 1 WHERE id = :product;
INSERT INTO events (happened_at, customer_id, data) VALUES (now(), :customer, '{"type": "checkout"}');
COMMIT;
