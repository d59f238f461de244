-- Pricing summary
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS quantity, sum(l_extendedprice) AS base_price,
       sum(l_extendedprice * (1 - l_discount)) AS disc_price, avg(l_discount) AS disc, count(*) AS lines
  FROM lineitem
 WHERE l_shipdate <= date '1998-12-01' - interval '90 day'
 GROUP BY l_returnflag, l_linestatus
 ORDER BY l_returnflag, l_linestatus;
