-- load_orders.sql: half a million orders with 1.25 million lines. Some customers order often, some
-- products sell all the time (a power law); hardly any order is still open.
\set ON_ERROR_STOP on
set synchronous_commit = off;
select setseed(0.24) \g /dev/null

insert into orders (id, customer_id, status, ordered_at, shipped_at, total, note)
select i, 1 + floor(power(random(), 2.5) * 100000), status, at,
       case when status in ('shipped', 'returned') then at + interval '3 days' * random() end,
       round((10 + 500 * power(random(), 3))::numeric, 2),
       case when i % 10 = 0 then 'please ring twice' end
from (select i, timestamptz '2026-06-30' - (interval '4 years' * (500000 - i)) / 500000 as at,
             case when i > 496000 then 'open' when random() < 0.03 then 'cancelled'
                  when random() < 0.05 then 'returned' else 'shipped' end as status
      from generate_series(1, 500000) i) o;

insert into order_lines (order_id, line, product_id, quantity, price)
select o, l, 1 + floor(power(random(), 3) * 20000), 1 + floor(power(random(), 4) * 5),
       round((5 + 100 * power(random(), 3))::numeric, 2)
from generate_series(1, 500000) o, lateral generate_series(1, 1 + o % 4) l;

alter table orders add primary key (id);
create index orders_time_idx on orders (ordered_at);
create index orders_date_idx on orders (ordered_at);
alter table order_lines add primary key (order_id, line);
create index lines_order_idx on order_lines (order_id);
