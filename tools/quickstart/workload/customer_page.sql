-- 'My account': the customer and the latest shipped orders. Nothing supports the second statement.
\set customer random(1, 100000)
SELECT id, full_name, email, city, country FROM customers WHERE id = :customer;
SELECT id, ordered_at, total FROM orders WHERE customer_id = :customer AND status = 'shipped' ORDER BY ordered_at DESC LIMIT 20;
