-- Product search: what was typed so far, in any case.
SELECT id, name, price FROM products WHERE lower(name) LIKE '@prefix@%' ORDER BY popularity DESC LIMIT 20;
