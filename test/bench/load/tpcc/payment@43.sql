-- A payment; 15 in a hundred by a customer of another warehouse, 60 in a hundred find the customer by the last name.
\set w random(1, :warehouses)
\set d random(1, 10)
\set cw :w
\set cd :d
\set away random(1, 100)
\if :away <= 15
\set cw random(1, :warehouses)
\set cd random(1, 10)
\endif
\set c random(1, 300)
\set by_name random(1, 100)
\set name random(0, 99)
\set cents random(100, 500000)
\set amount :cents / 100.0
BEGIN;
UPDATE warehouse SET w_ytd = w_ytd + :amount WHERE w_id = :w RETURNING w_name, w_street, w_city, w_zip \gset
UPDATE district SET d_ytd = d_ytd + :amount WHERE d_w_id = :w AND d_id = :d
  RETURNING d_name, d_street, d_city, d_zip \gset
\if :by_name <= 60
SELECT c_id AS c FROM customer WHERE c_w_id = :cw AND c_d_id = :cd AND c_last = 'NAME' || :name::text
  ORDER BY c_first OFFSET 1 LIMIT 1 \gset
\endif
UPDATE customer SET c_balance = c_balance - :amount, c_ytd_payment = c_ytd_payment + :amount,
    c_payment_cnt = c_payment_cnt + 1
  WHERE c_w_id = :cw AND c_d_id = :cd AND c_id = :c
  RETURNING c_first, c_last, c_street, c_city, c_balance, (c_credit = 'BC')::int AS bad_credit \gset
\if :bad_credit = 1
UPDATE customer SET c_data = left(format('%s %s %s %s|', c_id, c_d_id, c_w_id, :amount::numeric) || c_data, 200)
  WHERE c_w_id = :cw AND c_d_id = :cd AND c_id = :c;
\endif
INSERT INTO history VALUES (:c, :cd, :cw, :d, :w, now(), :amount, 'payment');
COMMIT;
