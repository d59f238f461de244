-- Tables and data of the TPC-C-like mix. A warehouse is a tenth of TPC-C's: 300 customers and 300 orders a district,
-- 10,000 items. With 8 of them the data is about that of one warehouse (50 MB), and 64 clients still find different
-- rows to lock. psql variable: warehouses.
CREATE TABLE warehouse (w_id int PRIMARY KEY, w_name text, w_street text, w_city text, w_zip text, w_tax numeric(4,4),
  w_ytd numeric(12,2)) WITH (fillfactor = 50);
CREATE TABLE district (d_w_id int, d_id int, d_name text, d_street text, d_city text, d_zip text, d_tax numeric(4,4),
  d_ytd numeric(12,2), d_next_o_id int, PRIMARY KEY (d_w_id, d_id)) WITH (fillfactor = 50);
CREATE TABLE customer (c_w_id int, c_d_id int, c_id int, c_first text, c_middle text, c_last text, c_street text,
  c_city text, c_zip text, c_phone text, c_since timestamptz, c_credit text, c_credit_lim numeric(12,2),
  c_discount numeric(4,4), c_balance numeric(12,2), c_ytd_payment numeric(12,2), c_payment_cnt int,
  c_delivery_cnt int, c_data text, PRIMARY KEY (c_w_id, c_d_id, c_id)) WITH (fillfactor = 80);
CREATE TABLE history (h_c_id int, h_c_d_id int, h_c_w_id int, h_d_id int, h_w_id int, h_date timestamptz,
  h_amount numeric(6,2), h_data text);
CREATE TABLE orders (o_w_id int, o_d_id int, o_id int, o_c_id int, o_entry_d timestamptz, o_carrier_id int, o_ol_cnt int,
  o_all_local int, PRIMARY KEY (o_w_id, o_d_id, o_id)) WITH (fillfactor = 90);
CREATE TABLE new_orders (no_w_id int, no_d_id int, no_o_id int, PRIMARY KEY (no_w_id, no_d_id, no_o_id));
CREATE TABLE order_line (ol_w_id int, ol_d_id int, ol_o_id int, ol_number int, ol_i_id int, ol_supply_w_id int,
  ol_delivery_d timestamptz, ol_quantity int, ol_amount numeric(8,2), ol_dist_info text,
  PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number)) WITH (fillfactor = 90);
CREATE TABLE item (i_id int PRIMARY KEY, i_im_id int, i_name text, i_price numeric(5,2), i_data text);
CREATE TABLE stock (s_w_id int, s_i_id int, s_quantity int, s_dist text, s_ytd int, s_order_cnt int, s_remote_cnt int,
  s_data text, PRIMARY KEY (s_w_id, s_i_id)) WITH (fillfactor = 80);

SELECT setseed(0.5);
INSERT INTO item SELECT i, 1 + i * 7 % 10000, 'item ' || i, 1 + i % 9900 / 100.0, md5(i::text)
  FROM generate_series(1, 10000) i;
INSERT INTO warehouse SELECT w, 'W' || w, 'Street ' || w, 'City ' || w, '123451111', random() * 0.2, 300000
  FROM generate_series(1, :warehouses) w;
INSERT INTO stock SELECT w, i, 10 + floor(random() * 91), left(md5(i::text), 24), 0, 0, 0, md5(w * 100000 + i || '')
  FROM generate_series(1, :warehouses) w, generate_series(1, 10000) i;
INSERT INTO district SELECT w, d, 'D' || d, 'Street ' || d, 'City ' || d, '123451111', random() * 0.2, 30000, 301
  FROM generate_series(1, :warehouses) w, generate_series(1, 10) d;
-- Every last name belongs to three customers of a district: the middle one by first name is the second.
INSERT INTO customer SELECT w, d, c, md5(random()::text), 'OE', 'NAME' || c % 100, 'Street ' || c, 'City ' || c,
    '123451111', '0123456789012345', now(), CASE WHEN random() < 0.1 THEN 'BC' ELSE 'GC' END, 50000, random() * 0.5,
    -10, 10, 1, 0, repeat(md5(c::text), 6)
  FROM generate_series(1, :warehouses) w, generate_series(1, 10) d, generate_series(1, 300) c;
INSERT INTO history SELECT c_id, c_d_id, c_w_id, c_d_id, c_w_id, now(), 10, 'first' FROM customer;
-- Each customer has one order to begin with; the last 90 of a district are not delivered.
INSERT INTO orders SELECT w, d, o, 1 + o * 7 % 300, now(), CASE WHEN o <= 210 THEN 1 + o % 10 END,
    5 + floor(random() * 11), 1
  FROM generate_series(1, :warehouses) w, generate_series(1, 10) d, generate_series(1, 300) o;
INSERT INTO new_orders SELECT o_w_id, o_d_id, o_id FROM orders WHERE o_id > 210;
INSERT INTO order_line SELECT o_w_id, o_d_id, o_id, n, 1 + floor(random() * 10000), o_w_id,
    CASE WHEN o_id <= 210 THEN o_entry_d END, 5, CASE WHEN o_id <= 210 THEN 0 ELSE random() * 9999 END,
    left(md5(n::text), 24)
  FROM orders, generate_series(1, o_ol_cnt) n;
CREATE INDEX ON customer (c_w_id, c_d_id, c_last, c_first);
CREATE INDEX ON orders (o_w_id, o_d_id, o_c_id, o_id);
