-- What the application runs: how often in a round, and the text, in which {N} is a number from 1 to N, different each time.
CREATE TABLE bench.work (n serial PRIMARY KEY, calls int NOT NULL, text text NOT NULL);
INSERT INTO bench.work (calls, text) VALUES
  (40, 'SELECT * FROM tickets WHERE tenant_id = {300} AND status = ''open'' AND deleted_at IS NULL ORDER BY created DESC LIMIT 25'),
  (30, 'SELECT count(*) FROM tickets WHERE tenant_id = {300} AND status = ''open'' AND deleted_at IS NULL'),
  (20, 'SELECT * FROM tickets WHERE assignee_id = {1500} AND status = ''pending'' AND deleted_at IS NULL'),
  (20, 'SELECT * FROM tickets WHERE requester_id = {30000} ORDER BY created DESC LIMIT 10'),
  (10, 'SELECT id, title, due FROM tickets WHERE status = ''open'' AND due < timestamptz ''2024-01-05'' + {300} * interval ''1 hour'' AND deleted_at IS NULL'),
  (8, 'SELECT * FROM tickets WHERE tags @> ARRAY[''t{200}''] AND tenant_id = {300}'),
  (4, 'SELECT tags, count(*) FROM tickets WHERE tags && ARRAY[''t{200}'', ''t{200}''] GROUP BY tags'),
  (6, 'SELECT status, count(*) FROM tickets WHERE tenant_id = {300} AND created >= timestamptz ''2024-06-01'' GROUP BY status'),
  (3, 'SELECT date_trunc(''month'', created), count(*) FROM tickets WHERE tenant_id = {300} GROUP BY 1 ORDER BY 1'),
  (12, 'SELECT t.*, u.name FROM tickets t JOIN users u ON u.id = t.requester_id WHERE t.tenant_id = {300} AND t.priority = 1 AND t.status = ''open'' ORDER BY t.updated LIMIT 20'),
  (40, 'SELECT * FROM comments WHERE ticket_id = {200000} ORDER BY created'),
  (20, 'SELECT c.* FROM comments c JOIN tickets t ON t.id = c.ticket_id WHERE t.tenant_id = {300} AND c.created > timestamptz ''2024-12-10'' ORDER BY c.created DESC LIMIT 20'),
  (10, 'SELECT count(*) FROM comments WHERE author_id = {30000}'),
  (5, 'SELECT ticket_id, max(created) FROM comments WHERE author_id = {30000} AND NOT internal GROUP BY ticket_id'),
  (40, 'SELECT * FROM users WHERE lower(email) = ''user{30000}@example7.com'''),
  (15, 'SELECT * FROM users WHERE tenant_id = {300} AND role = ''agent'' AND deleted_at IS NULL ORDER BY name'),
  (5, 'SELECT * FROM users WHERE tenant_id = {300} AND name LIKE ''Name ab%'''),
  (4, 'SELECT tenant_id, count(*) FROM users WHERE last_seen > timestamptz ''2025-05-30'' AND deleted_at IS NULL GROUP BY tenant_id'),
  (20, 'SELECT * FROM events WHERE payload ->> ''request_id'' = md5(''{600000}'')'),
  (6, 'SELECT count(*) FROM events WHERE payload @> ''{"path": "/p/{900}"}'' AND at > timestamptz ''2025-04-01'''),
  (20, 'SELECT * FROM events WHERE tenant_id = {300} ORDER BY at DESC LIMIT 50'),
  (6, 'SELECT kind, count(*) FROM events WHERE tenant_id = {300} AND at BETWEEN timestamptz ''2025-02-01'' AND timestamptz ''2025-02-02'' + {20} * interval ''1 day'' GROUP BY kind'),
  (5, 'SELECT count(*) FROM events WHERE at >= timestamptz ''2025-05-19 12:00'''),
  (3, 'SELECT * FROM events WHERE kind = ''delete'' AND tenant_id = {300} AND at > timestamptz ''2025-05-01'''),
  (10, 'SELECT id, title FROM documents WHERE search @@ to_tsquery(''english'', ''word{5000}'') AND published'),
  (5, 'SELECT id, title FROM documents WHERE search @@ to_tsquery(''english'', ''term{311} & number{97}'') AND tenant_id = {300}'),
  (10, 'SELECT * FROM documents WHERE tenant_id = {300} AND slug = ''slug-{60000}'''),
  (8, 'SELECT id, title, updated FROM documents WHERE tenant_id = {300} AND published ORDER BY updated DESC LIMIT 20'),
  (20, 'SELECT at, value FROM metrics WHERE tenant_id = {300} AND name = ''m{9}'' AND at > timestamptz ''2025-03-03'' ORDER BY at'),
  (5, 'SELECT name, avg(value) FROM metrics WHERE tenant_id = {300} AND at BETWEEN timestamptz ''2025-03-02'' AND timestamptz ''2025-03-03'' GROUP BY name'),
  (3, 'SELECT max(value) FROM metrics WHERE at > timestamptz ''2025-03-04 02:00'''),
  (30, 'SELECT * FROM sessions WHERE token = md5(''{100000}s'') AND expires > timestamptz ''2025-06-01'''),
  (5, 'SELECT count(*) FROM sessions WHERE user_id = {30000}'),
  (30, 'SELECT * FROM jobs WHERE queue = ''mail'' AND state = ''ready'' ORDER BY run_at LIMIT 5'),
  (5, 'SELECT count(*) FROM jobs WHERE state = ''failed'''),
  (10, 'SELECT * FROM invoices WHERE number = ''INV-{9000}'''),
  (5, 'SELECT * FROM invoices WHERE tenant_id = {300} AND paid_at IS NULL ORDER BY month DESC'),
  (2, 'SELECT t.name, sum(i.cents) FROM tenants t JOIN invoices i ON i.tenant_id = t.id WHERE i.paid_at IS NULL GROUP BY t.name ORDER BY 2 DESC LIMIT 10'),
  (20, 'UPDATE tickets SET status = ''closed'', updated = now() WHERE id = {200000}'),
  (15, 'UPDATE users SET last_seen = now() WHERE id = {30000}'),
  (10, 'UPDATE jobs SET state = ''done'' WHERE id = {300000}'),
  (3, 'DELETE FROM sessions WHERE expires < timestamptz ''2025-05-31 00:20'''),
  (3, 'DELETE FROM tickets WHERE id = {200000}'),
  (20, 'INSERT INTO comments SELECT max(id) + 1, {200000}, {30000}, ''new'', false, now() FROM comments'),
  (30, 'INSERT INTO events SELECT max(id) + 1, {300}, ''view'', ''{"request_id": "x{600000}"}'', now() FROM events'),
  (30, 'INSERT INTO metrics VALUES ({300}, ''m{9}'', now(), {100})'),
  (10, 'INSERT INTO jobs SELECT max(id) + 1, ''mail'', ''ready'', now(), 0, NULL FROM jobs'),
  (5, 'UPDATE tickets SET assignee_id = {1500} WHERE tenant_id = {300} AND status = ''pending'' AND assignee_id IS NULL');

CREATE FUNCTION bench.text_of(template text, n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE highest text; text text := template; i int := 0;
BEGIN
  LOOP
    highest := substring(text FROM '\{(\d+)\}');
    EXIT WHEN highest IS NULL;
    i := i + 1;
    text := regexp_replace(text, '\{\d+\}', (1 + abs(hashtext(template || n || '.' || i)::bigint) % highest::bigint)::text);
  END LOOP;
  RETURN text;
END $$;
-- A round: milliseconds of each statement's calls. Not top-level, so that the client is no part of it.
CREATE TABLE bench.took (n int, ms float8);
CREATE PROCEDURE bench.round(first int) LANGUAGE plpgsql AS $$
DECLARE one record; started timestamptz; statement text; spent float8;
BEGIN
  TRUNCATE bench.took;
  FOR one IN SELECT * FROM bench.work ORDER BY n LOOP
    spent := 0;
    FOR i IN 1 .. one.calls LOOP
      statement := bench.text_of(one.text, first + i);
      started := clock_timestamp();
      EXECUTE statement;
      spent := spent + extract(epoch FROM clock_timestamp() - started) * 1e3;
    END LOOP;
    INSERT INTO bench.took VALUES (one.n, spent);
    COMMIT;
  END LOOP;
END $$;
