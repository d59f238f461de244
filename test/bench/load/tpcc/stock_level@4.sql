-- How many items of a district's last 20 orders run short.
\set w random(1, :warehouses)
\set d random(1, 10)
\set threshold random(10, 20)
BEGIN;
SELECT d_next_o_id AS next FROM district WHERE d_w_id = :w AND d_id = :d \gset
SELECT count(DISTINCT s_i_id) FROM order_line, stock
  WHERE ol_w_id = :w AND ol_d_id = :d AND ol_o_id < :next AND ol_o_id >= :next - 20
    AND s_w_id = ol_w_id AND s_i_id = ol_i_id AND s_quantity < :threshold;
COMMIT;
