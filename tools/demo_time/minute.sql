-- What the shop does in a minute.
select format('select sum(total) from orders where customer_id = %s', 1 + (random() * 19999)::int) from generate_series(1, 40) \gexec
select format('select count(*) from events where session = md5(%L)', (random() * 200000)::int) from generate_series(1, 40) \gexec
select format('select c.region, sum(l.amount) from order_lines l join orders o on o.id = l.order_id join customers c on c.id = o.customer_id where l.amount > %s group by 1', (random() * 1)::int) from generate_series(1, 12) \gexec
select format('select count(*) from customers c join orders o on o.customer_id = c.id where c.id between %s and %s', k, k + 4)
  from generate_series(1, 40) g, lateral (select hashint4(g) & 16383 as k) s \gexec
