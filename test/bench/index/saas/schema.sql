-- A help desk for many tenants: tickets, comments, users, events as jsonb, documents with full text, metrics over time. Primary and
-- unique keys only.
SELECT setseed(0.5) \g /dev/null
CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL, plan text NOT NULL, created timestamptz NOT NULL);
CREATE TABLE users (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, email text NOT NULL, name text NOT NULL, role text NOT NULL,
  last_seen timestamptz, deleted_at timestamptz);
CREATE TABLE tickets (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, requester_id int NOT NULL REFERENCES users, assignee_id int REFERENCES users,
  status text NOT NULL, priority int NOT NULL, title text NOT NULL, tags text[] NOT NULL, created timestamptz NOT NULL, updated timestamptz NOT NULL,
  due timestamptz, deleted_at timestamptz);
CREATE TABLE comments (id int PRIMARY KEY, ticket_id int NOT NULL REFERENCES tickets ON DELETE CASCADE, author_id int NOT NULL, body text NOT NULL,
  internal bool NOT NULL, created timestamptz NOT NULL);
CREATE TABLE events (id bigint PRIMARY KEY, tenant_id int NOT NULL, kind text NOT NULL, payload jsonb NOT NULL, at timestamptz NOT NULL);
CREATE TABLE documents (id int PRIMARY KEY, tenant_id int NOT NULL, slug text NOT NULL, title text NOT NULL, body text NOT NULL,
  search tsvector NOT NULL, published bool NOT NULL, updated timestamptz NOT NULL, UNIQUE (tenant_id, slug));
CREATE TABLE metrics (tenant_id int NOT NULL, name text NOT NULL, at timestamptz NOT NULL, value float8 NOT NULL);
CREATE TABLE sessions (token text PRIMARY KEY, user_id int NOT NULL, expires timestamptz NOT NULL);
CREATE TABLE jobs (id bigint PRIMARY KEY, queue text NOT NULL, state text NOT NULL, run_at timestamptz NOT NULL, attempts int NOT NULL, payload jsonb);
CREATE TABLE invoices (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, number text NOT NULL, month date NOT NULL, cents bigint NOT NULL, paid_at timestamptz);

INSERT INTO tenants SELECT i, 'Tenant ' || i, (ARRAY['free', 'team', 'enterprise'])[1 + i % 3], timestamptz '2023-01-01' + i * interval '1 day' FROM generate_series(1, 300) i;
INSERT INTO users SELECT i, 1 + (random() ^ 2 * 299)::int, 'User' || i || '@Example' || i % 50 || '.com', 'Name ' || md5(i::text), (ARRAY['agent', 'customer', 'customer', 'admin'])[1 + i % 4],
  timestamptz '2025-06-01' - random() * interval '300 days', CASE WHEN i % 20 = 0 THEN timestamptz '2025-01-01' END FROM generate_series(1, 30000) i;
INSERT INTO tickets SELECT i, 1 + (random() ^ 2 * 299)::int, 1 + (random() * 29999)::int, CASE WHEN i % 5 > 0 THEN 1 + (random() * 1500)::int END,
  CASE WHEN i % 25 = 0 THEN 'open' WHEN i % 40 = 1 THEN 'pending' ELSE 'closed' END, 1 + i % 4, 'Ticket ' || md5(i::text) || ' ' || (ARRAY['printer', 'login', 'invoice', 'crash', 'question'])[1 + i % 5],
  ARRAY['t' || i % 200, 'area' || i % 13], timestamptz '2024-01-01' + i * interval '3 minutes', timestamptz '2024-01-01' + i * interval '3 minutes' + random() * interval '20 days',
  CASE WHEN i % 25 = 0 THEN timestamptz '2024-01-01' + i * interval '3 minutes' + interval '3 days' END, CASE WHEN i % 30 = 7 THEN timestamptz '2025-01-01' END
  FROM generate_series(1, 200000) i;
INSERT INTO comments SELECT i, 1 + (random() * 199999)::int, 1 + (random() * 29999)::int, repeat(md5(i::text) || ' ', 3), i % 10 = 0, timestamptz '2024-01-01' + i * interval '1 minute'
  FROM generate_series(1, 500000) i;
INSERT INTO events SELECT i, 1 + (random() ^ 2 * 299)::int, (ARRAY['login', 'view', 'view', 'view', 'export', 'delete'])[1 + i % 6],
  jsonb_build_object('request_id', md5(i::text), 'path', '/p/' || i % 900, 'user', i % 30000, 'flags', jsonb_build_array('f' || i % 7)), timestamptz '2025-01-01' + i * interval '20 seconds'
  FROM generate_series(1, 600000) i;
INSERT INTO documents SELECT i, 1 + i % 300, 'slug-' || i, 'Document ' || md5(i::text), b, to_tsvector('english', b), i % 10 > 0, timestamptz '2025-01-01' + i * interval '1 minute'
  FROM (SELECT i, 'word' || i % 5000 || ' term' || i % 311 || ' help with ' || md5(i::text) || ' and number' || i % 97 AS b FROM generate_series(1, 60000) i) d;
INSERT INTO metrics SELECT 1 + i % 300, 'm' || i / 300 % 10, timestamptz '2025-03-01' + i / 3000 * interval '15 minutes', random() * 100 FROM generate_series(1, 900000) i;
INSERT INTO sessions SELECT md5(i::text || 's'), 1 + i % 30000, timestamptz '2025-06-01' + (i % 3000 - 1500) * interval '1 minute' FROM generate_series(1, 100000) i;
INSERT INTO jobs SELECT i, (ARRAY['mail', 'index', 'report'])[1 + i % 3], CASE WHEN i > 298500 THEN 'ready' WHEN i % 300 = 0 THEN 'failed' ELSE 'done' END,
  timestamptz '2025-01-01' + i * interval '40 seconds', i % 3, jsonb_build_object('n', i) FROM generate_series(1, 300000) i;
INSERT INTO invoices SELECT i, 1 + i % 300, 'INV-' || i, date '2023-01-01' + (i / 300) * 30, random() * 100000, CASE WHEN i % 12 > 0 THEN timestamptz '2025-01-01' END FROM generate_series(1, 9000) i;
VACUUM (ANALYZE);
