-- Login by mail address, whatever its case: the index on email does not help.
\set customer random_zipfian(1, 100000, 1.1)
SELECT id, full_name FROM customers WHERE lower(email) = 'customer:customer@example.com';
