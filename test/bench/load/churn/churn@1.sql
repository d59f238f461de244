-- One of :statements statements that differ in their select list, so in their query id. pgbench puts variables into
-- the text, in simple mode only: that costs the client less than reading thousands of scripts.
\set n random(0, :statements - 1)
\set a :n % 16
\set b :n / 16 % 16
\set c :n / 256 % 16
\set d :n / 4096
SELECT c:a, c:b, c:c, c:d FROM churn WHERE id = :n + 1;
