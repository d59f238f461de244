-- load_catalogue.sql: customers, products, events and carts, about half a million rows.
-- A country decides the region and the city, a category decides the brand: columns that the
-- planner takes for independent.
\set ON_ERROR_STOP on
set synchronous_commit = off;
select setseed(0.42) \g /dev/null

insert into customers (id, email, full_name, phone, country, region, city, created_at)
select i,
       'Customer' || i || '@Example.com',
       (array['Ada','Ben','Chloe','David','Emma','Felix','Grace','Hugo','Ines','Jonas'])[1 + i % 10] || ' ' ||
       (array['Meyer','Rossi','Dubois','Novak','Silva','Jansen','Larsen','Kowalski','Smith'])[1 + i % 9],
       '+' || 30 + place % 40 || ' ' || 100000000 + (random() * 899999999)::int,
       'country ' || place / 10, 'region ' || place / 4, 'city ' || place,
       timestamptz '2026-06-30' - interval '6 years' * power(random(), 0.7)
from (select i, floor(power(random(), 2) * 200)::int as place from generate_series(1, 100000) i) c;

insert into products (id, name, brand, category, price, stock, popularity)
select i, (array['Oak','Steel','Linen','Classic','Compact','Nordic','Solar','Travel','Urban','Vintage'])[1 + i % 10]
          || ' ' || noun || ' ' || i,
       'brand ' || kind * 5 + (random() * 4)::int, 'category ' || kind / 3,
       round((5 + 300 * power(random(), 3))::numeric, 2), 50 + (random() * 1000)::int,
       1000.0 / i
from generate_series(1, 20000) i,
     lateral (select (hashint4(i) & 1023) % 24 as kind) k,
     lateral (select (array['Lamp','Chair','Table','Kettle','Blanket','Backpack','Mirror','Clock','Vase','Shelf','Rug',
       'Mug','Pan','Knife','Desk','Sofa','Bottle','Tent','Jacket','Radio','Speaker','Camera','Watch','Bike'])
       [1 + kind] as noun) n;

insert into events (happened_at, customer_id, data)
select timestamptz '2026-06-30' - interval '90 days' * random(),
       1 + floor(power(random(), 2.5) * 100000),
       jsonb_build_object('type', (array['view','view','view','search','cart','login','checkout'])[1 + i % 7],
                          'session', md5((i / 8)::text),
                          'product', 1 + floor(power(random(), 3) * 20000),
                          'device', (array['phone','phone','desktop','tablet'])[1 + i % 4])
from generate_series(1, 250000) i;

insert into carts (customer_id, updated_at, content)
select 1 + floor(random() * 100000), timestamptz '2026-06-30' - interval '60 days' * random(),
       repeat('item ' || i || ' ', 12)
from generate_series(1, 200000) i;

alter table events add primary key (id);
alter table carts add primary key (id);
create index customers_email_idx on customers (email);
create index customers_phone_idx on customers (phone);
create index products_category_idx on products (category);
create index events_happened_at_idx on events (happened_at);

-- The nightly job that forgets old carts leaves the table as large as it was.
delete from carts where id % 8 <> 0;
