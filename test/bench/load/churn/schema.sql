-- The table of the churn: 16 columns, so that four of them in sequence make 65,536 select lists.
CREATE TABLE churn (id int PRIMARY KEY, c0 int, c1 int, c2 int, c3 int, c4 int, c5 int, c6 int, c7 int, c8 int, c9 int,
  c10 int, c11 int, c12 int, c13 int, c14 int, c15 int);
INSERT INTO churn SELECT i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i FROM generate_series(1, 50000) i;
