-- The oldest order of each district of a warehouse is delivered. Another delivery may have taken it meanwhile: then
-- the order is 0 and this district is done.
\set w random(1, :warehouses)
\set carrier random(1, 10)
\set d 0
BEGIN;
-- repeat 10
\set d :d + 1
WITH oldest AS (DELETE FROM new_orders WHERE no_w_id = :w AND no_d_id = :d AND no_o_id =
    (SELECT min(no_o_id) FROM new_orders WHERE no_w_id = :w AND no_d_id = :d) RETURNING no_o_id)
  SELECT coalesce(max(no_o_id), 0) AS o FROM oldest \gset
\if :o > 0
UPDATE orders SET o_carrier_id = :carrier WHERE o_w_id = :w AND o_d_id = :d AND o_id = :o RETURNING o_c_id AS c \gset
UPDATE order_line SET ol_delivery_d = now() WHERE ol_w_id = :w AND ol_d_id = :d AND ol_o_id = :o;
SELECT sum(ol_amount) AS amount FROM order_line WHERE ol_w_id = :w AND ol_d_id = :d AND ol_o_id = :o \gset
UPDATE customer SET c_balance = c_balance + :amount, c_delivery_cnt = c_delivery_cnt + 1
  WHERE c_w_id = :w AND c_d_id = :d AND c_id = :c;
\endif
-- end
COMMIT;
