-- 200 tables with their primary keys, and 500 statements of an application: by a column or two, ranges, latest first, joins of two,
-- updates and deletes.
SELECT format('CREATE TABLE t%s (id int PRIMARY KEY, owner int, state text, made timestamptz, amount numeric, note text);
  INSERT INTO t%s SELECT j, j * 7919 %% %s, ''s'' || j %% 6, timestamptz ''2024-01-01'' + j * interval ''1 minute'', j %% 997, md5(j::text) FROM generate_series(1, %s) j;',
  i, i, 100 + i * 3, (ARRAY[500, 2000, 5000, 20000])[1 + i % 4]) FROM generate_series(1, 200) i \gexec
VACUUM ANALYZE;
INSERT INTO bench.query SELECT to_char(i, '000'), format(CASE i % 10
    WHEN 0 THEN 'SELECT * FROM %1$s WHERE id = %3$s'
    WHEN 1 THEN 'SELECT * FROM %1$s WHERE owner = %3$s'
    WHEN 2 THEN 'SELECT * FROM %1$s WHERE owner = %3$s AND state = ''s1'''
    WHEN 3 THEN 'SELECT * FROM %1$s WHERE owner = %3$s ORDER BY made DESC LIMIT 10'
    WHEN 4 THEN 'SELECT count(*), sum(amount) FROM %1$s WHERE made BETWEEN ''2024-01-02'' AND ''2024-01-02 06:00'''
    WHEN 5 THEN 'SELECT a.*, b.note FROM %1$s a JOIN %2$s b ON b.owner = a.id WHERE a.owner = %3$s'
    WHEN 6 THEN 'UPDATE %1$s SET state = ''s2'' WHERE owner = %3$s AND amount > 500'
    WHEN 7 THEN 'DELETE FROM %1$s WHERE made < ''2024-01-01 00:10'''
    WHEN 8 THEN 'SELECT state, count(*) FROM %1$s WHERE owner IN (%3$s, 8, 9) GROUP BY state'
    ELSE 'SELECT * FROM %1$s WHERE note = ''x%3$s''' END,
    't' || 1 + i * 37 % 200, 't' || 1 + i * 53 % 200, i % 90)
  FROM generate_series(1, 500) i;
