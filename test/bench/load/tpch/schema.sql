-- Tables and data of the TPC-H-like queries: its keys, ranges and proportions at a tenth of scale factor 1 (600,000 lines
-- of 150,000 orders, 110 MB with indexes), made by hashing, alike on every machine.
CREATE FUNCTION h(a bigint, s int, m bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$ SELECT (hashint8extended(a, s) & 9223372036854775807) % m $$;
CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name text);
CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name text, n_regionkey int);
CREATE TABLE supplier (s_suppkey int PRIMARY KEY, s_name text, s_nationkey int, s_acctbal numeric(15,2));
CREATE TABLE customer (c_custkey int PRIMARY KEY, c_name text, c_nationkey int, c_phone text, c_acctbal numeric(15,2),
  c_mktsegment text);
CREATE TABLE part (p_partkey int PRIMARY KEY, p_name text, p_brand text, p_type text, p_size int, p_container text);
CREATE TABLE partsupp (ps_partkey int, ps_suppkey int, ps_availqty int, ps_supplycost numeric(15,2),
  PRIMARY KEY (ps_partkey, ps_suppkey));
CREATE TABLE orders (o_orderkey int PRIMARY KEY, o_custkey int, o_orderstatus char(1), o_totalprice numeric(15,2),
  o_orderdate date, o_orderpriority text, o_shippriority int, o_comment text);
CREATE TABLE lineitem (l_orderkey int, l_partkey int, l_suppkey int, l_linenumber int, l_quantity numeric(15,2),
  l_extendedprice numeric(15,2), l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag char(1),
  l_linestatus char(1), l_shipdate date, l_commitdate date, l_receiptdate date, l_shipmode text,
  PRIMARY KEY (l_orderkey, l_linenumber));

INSERT INTO region SELECT i, (ARRAY['AFRICA','AMERICA','ASIA','EUROPE','MIDDLE EAST'])[i + 1]
  FROM generate_series(0, 4) i;
INSERT INTO nation SELECT i, 'NATION ' || i, i % 5 FROM generate_series(0, 24) i;
INSERT INTO supplier SELECT i, 'Supplier ' || i, h(i, 1, 25), h(i, 2, 1099998) / 100.0 - 1000
  FROM generate_series(1, 1000) i;
INSERT INTO customer SELECT i, 'Customer ' || i, h(i, 3, 25), 10 + h(i, 3, 25) || '-' || h(i, 4, 9000000),
    h(i, 5, 1099998) / 100.0 - 1000, (ARRAY['AUTOMOBILE','BUILDING','FURNITURE','MACHINERY','HOUSEHOLD'])[1 + h(i, 6, 5)]
  FROM generate_series(1, 15000) i;
INSERT INTO part SELECT i, md5(i::text), 'Brand#' || 1 + h(i, 7, 5) || 1 + h(i, 8, 5),
    (ARRAY['STANDARD','SMALL','MEDIUM','LARGE','ECONOMY','PROMO'])[1 + h(i, 9, 6)] || ' ' ||
    (ARRAY['TIN','NICKEL','BRASS','STEEL','COPPER'])[1 + h(i, 10, 5)], 1 + h(i, 11, 50),
    (ARRAY['SM','LG','MED','JUMBO','WRAP'])[1 + h(i, 12, 5)] || ' ' || (ARRAY['CASE','BOX','BAG','PACK'])[1 + h(i, 13, 4)]
  FROM generate_series(1, 20000) i;
INSERT INTO partsupp SELECT p, 1 + (p + s * 250) % 1000, 1 + h(p * 4 + s, 14, 9999), 1 + h(p * 4 + s, 15, 99901) / 100.0
  FROM generate_series(1, 20000) p, generate_series(0, 3) s;
INSERT INTO orders SELECT i, 1 + h(i, 16, 15000) / 3 * 3, CASE WHEN h(i, 17, 2406) < 1200 THEN 'F' ELSE 'O' END,
    850 + h(i, 18, 50000000) / 100.0, date '1992-01-01' + h(i, 17, 2406)::int,
    (ARRAY['1-URGENT','2-HIGH','3-MEDIUM','4-NOT SPECIFIED','5-LOW'])[1 + h(i, 19, 5)], 0,
    CASE WHEN h(i, 20, 50) = 0 THEN 'special requests ' ELSE 'regular deposits ' END || md5(i::text)
  FROM generate_series(1, 150000) i;
INSERT INTO lineitem SELECT o, p, 1 + (p + h(k, 22, 4) * 250) % 1000, n, q, round(q * (900 + p % 1000), 2),
    h(k, 24, 11) / 100.0, h(k, 25, 9) / 100.0, CASE WHEN received > date '1995-06-17' THEN 'N'
    WHEN h(k, 26, 2) = 0 THEN 'R' ELSE 'A' END, CASE WHEN shipped > date '1995-06-17' THEN 'O' ELSE 'F' END, shipped,
    ordered + 30 + h(k, 27, 61)::int, received, (ARRAY['REG AIR','AIR','RAIL','SHIP','TRUCK','MAIL','FOB'])[1 + h(k, 28, 7)]
  FROM (SELECT o_orderkey o, o_orderdate ordered, n, k, (1 + h(k, 21, 20000))::int p, (1 + h(k, 23, 50))::numeric q,
               o_orderdate + 1 + h(k, 30, 121)::int shipped, o_orderdate + 2 + h(k, 30, 121)::int + h(k, 31, 30)::int received
          FROM (SELECT o_orderkey, o_orderdate, n, o_orderkey * 8::bigint + n k
                  FROM orders, generate_series(1, 7) n WHERE n <= 1 + h(o_orderkey, 32, 7)) a) b;
DROP FUNCTION h(bigint, int, bigint);
CREATE INDEX ON orders (o_custkey);
CREATE INDEX ON orders (o_orderdate);
CREATE INDEX ON lineitem (l_partkey);
CREATE INDEX ON lineitem (l_shipdate);
