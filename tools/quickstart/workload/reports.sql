-- Reports: what the shop's owner looks at. They read much, sort and group on disk, and filter on
-- columns that depend on each other.
SELECT o.customer_id, l.product_id, sum(l.quantity) AS pieces, sum(l.quantity * l.price) AS revenue FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.ordered_at >= '2025-06-30' GROUP BY o.customer_id, l.product_id ORDER BY revenue DESC LIMIT 50;
\sleep 1 s
SELECT date_trunc('week', ordered_at) AS week, status, count(*), sum(total) FROM orders WHERE ordered_at >= '2026-01-01' GROUP BY 1, 2 ORDER BY 1, 2;
\sleep 1 s
SELECT c.full_name, count(*), max(o.ordered_at) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.country = 'country 3' AND c.region = 'region 8' AND c.city = 'city 33' GROUP BY c.id ORDER BY 2 DESC LIMIT 20;
\sleep 1 s
SELECT data->>'device' AS device, count(*) FROM events WHERE happened_at >= '2026-06-01' AND data @> '{"type": "checkout"}' GROUP BY 1;
\sleep 1 s
