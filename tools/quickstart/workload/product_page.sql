-- A product, and others of its category.
\set product random_zipfian(1, 20000, 1.2)
SELECT id, name, brand, category, price, stock FROM products WHERE id = :product;
SELECT id, name, price FROM products WHERE category = (SELECT category FROM products WHERE id = :product) ORDER BY popularity DESC LIMIT 8;
