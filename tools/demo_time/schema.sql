-- A shop whose statements each depend on something else: an index, a setting, what the planner believes.
\set ON_ERROR_STOP on
set synchronous_commit = off;
create table customers (id int primary key, name text, region int);
create table orders (id int primary key, customer_id int not null, ordered date, total numeric);
create table order_lines (order_id int not null, product_id int not null, amount int);
create table events (id int primary key, session text, kind int);
insert into customers select g, 'customer ' || g, g % 50 from generate_series(1, 20000) g;
insert into orders select g, 1 + g % 20000, date '2026-01-01' + g % 300, g % 1000 from generate_series(1, 200000) g;
insert into order_lines select 1 + g % 2000, g % 500, 1 + g % 3 from generate_series(1, 20000) g;
insert into events select g, md5(g::text), g % 10 from generate_series(1, 200000) g;
create index orders_customer_idx on orders (customer_id);
create index events_session_idx on events (session);
select pg_stat_force_next_flush() \g /dev/null
vacuum (analyze);
checkpoint;
