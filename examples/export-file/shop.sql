CREATE TABLE orders (
  id INTEGER PRIMARY KEY, paid BOOLEAN NOT NULL, amount DECIMAL(15,2), ratio DOUBLE,
  name VARCHAR(40), note TEXT, picture BLOB, day DATE, at TIMESTAMP
);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO orders SELECT i, i % 2, (i - 2500) * 1.25, i / 8.0, 'name ' || i,
  CASE WHEN i % 7 = 0 THEN NULL WHEN i % 7 = 1 THEN '' WHEN i % 7 = 2 THEN 'line' || char(10) || 'break|😀 ß' ELSE hex(randomblob(i % 90)) END,
  CASE WHEN i % 5 = 0 THEN NULL ELSE randomblob(i % 300) END,
  date('1969-07-20', '+' || (i * 3) || ' days'), datetime('1960-01-01', '+' || (i * 977) || ' minutes')
FROM n;
CREATE TABLE small (code VARCHAR(3) PRIMARY KEY, label TEXT NOT NULL);
INSERT INTO small VALUES ('a', 'first'), ('b', ''), ('c', ' ');
CREATE TABLE none (id INTEGER PRIMARY KEY);
