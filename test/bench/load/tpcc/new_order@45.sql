-- A new order of 5 to 15 lines; one in a hundred is rolled back, one line in a hundred comes from another warehouse.
-- Items rise from line to line: orders lock the stock in the same sequence, so that none waits in a circle.
\set w random(1, :warehouses)
\set d random(1, 10)
\set c random(1, 300)
\set lines random(5, 15)
\set fails random(1, 100)
\set n 0
\set i 0
BEGIN;
SELECT w_tax, c_discount, c_last, c_credit FROM warehouse, customer
  WHERE w_id = :w AND c_w_id = w_id AND c_d_id = :d AND c_id = :c \gset
UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = :w AND d_id = :d
  RETURNING d_next_o_id - 1 AS o, d_tax \gset
INSERT INTO orders VALUES (:w, :d, :o, :c, now(), NULL, :lines, 1);
INSERT INTO new_orders VALUES (:w, :d, :o);
-- repeat 15
\if :n < :lines
\set n :n + 1
\set i random(:i + 1, :i + 660)
\set quantity random(1, 10)
\set other random(1, 100)
\set supply :w
\if :other = 1
\set supply random(1, :warehouses)
\endif
SELECT i_price, i_name, i_data FROM item WHERE i_id = :i \gset
UPDATE stock SET s_quantity = s_quantity - :quantity + CASE WHEN s_quantity < 20 THEN 91 ELSE 0 END,
    s_ytd = s_ytd + :quantity, s_order_cnt = s_order_cnt + 1
  WHERE s_w_id = :supply AND s_i_id = :i RETURNING s_quantity, s_dist \gset
\set amount :quantity * :i_price
INSERT INTO order_line VALUES (:w, :d, :o, :n, :i, :supply, NULL, :quantity, :amount, left(md5(:i::text), 24));
\endif
-- end
\if :fails = 1
ROLLBACK;
\else
COMMIT;
\endif
