-- Suppliers who kept orders waiting
SELECT s_name, count(*) AS waiting
  FROM supplier, lineitem l1, orders
 WHERE s_suppkey = l1.l_suppkey AND o_orderkey = l1.l_orderkey AND o_orderstatus = 'F' AND s_nationkey = 7
   AND l1.l_receiptdate > l1.l_commitdate
   AND EXISTS (SELECT 1 FROM lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey)
   AND NOT EXISTS (SELECT 1 FROM lineitem l3 WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> l1.l_suppkey
                     AND l3.l_receiptdate > l3.l_commitdate)
 GROUP BY s_name
 ORDER BY waiting DESC, s_name LIMIT 100;
