-- finish_load.sql: what needs all tables.
\set ON_ERROR_STOP on
alter table orders add foreign key (customer_id) references customers;
alter table order_lines add foreign key (order_id) references orders;
select setval(pg_get_serial_sequence('orders', 'id'), 500000) \g /dev/null
vacuum (analyze);
checkpoint;
