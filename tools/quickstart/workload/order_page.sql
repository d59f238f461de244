-- One order with its lines.
\set order random(1, 500000)
SELECT o.id, o.status, o.ordered_at, o.total, c.full_name, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = :order;
SELECT l.line, p.name, l.quantity, l.price FROM order_lines l JOIN products p ON p.id = l.product_id WHERE l.order_id = :order ORDER BY l.line;
