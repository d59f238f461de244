-- finish_load.sql: what needs all tables.
\set ON_ERROR_STOP on
alter table orders add foreign key (customer_id) references customers;
alter table order_lines add foreign key (order_id) references orders;
select setval(pg_get_serial_sequence('orders', 'id'), 500000) \g /dev/null
create role shop login;
create role reports login;
grant select, insert, update, delete on all tables in schema public to shop;
grant usage on all sequences in schema public to shop;
grant pg_read_all_data to reports;
vacuum (analyze);
checkpoint;
