-- The last order of a customer, found by the last name in 60 of a hundred.
\set w random(1, :warehouses)
\set d random(1, 10)
\set c random(1, 300)
\set by_name random(1, 100)
\set name random(0, 99)
BEGIN;
\if :by_name <= 60
SELECT c_id AS c FROM customer WHERE c_w_id = :w AND c_d_id = :d AND c_last = 'NAME' || :name::text
  ORDER BY c_first OFFSET 1 LIMIT 1 \gset
\endif
SELECT c_balance, c_first, c_middle, c_last FROM customer WHERE c_w_id = :w AND c_d_id = :d AND c_id = :c;
SELECT o_id AS o, o_entry_d, o_carrier_id FROM orders WHERE o_w_id = :w AND o_d_id = :d AND o_c_id = :c
  ORDER BY o_id DESC LIMIT 1 \gset
SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM order_line
  WHERE ol_w_id = :w AND ol_d_id = :d AND ol_o_id = :o;
COMMIT;
