// Drives the server with SAP's JavaScript client and prints what it sees, one JSON
// object. Arguments: host, port. Table GO is there, written by another client; table
// NODE is made and filled here.
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const hdb = require('hdb');
const iconv = require('iconv-lite'); // the client hands an NCLOB's bytes on as they come: CESU-8
const [host, port] = process.argv.slice(2);
const out = {};

function client(password) {
  return hdb.createClient({ host, port: Number(port), user: 'SYSTEM', password, useCesu8: true, dataFormatSupport: 8 });
}

const connect = (c) => promisify(c.connect.bind(c))();
const exec = (c, sql, ...rest) => promisify(c.exec.bind(c))(sql, ...rest);
const prepare = (c, sql) => promisify(c.prepare.bind(c))(sql);
const run = (s, values) => promisify(s.exec.bind(s))(values);
const code = (p) => p.then(() => 0, (e) => e.code);
const shown = (k, v) => (!Buffer.isBuffer(v) ? v : k === 'NC' ? iconv.decode(v, 'cesu8') : 'hex:' + v.toString('hex'));
const rows = (list) => list.map((r) => Object.fromEntries(Object.entries(r).map(([k, v]) => [k, shown(k, v)])));

const wrong = client('wrong');
wrong.on('error', () => {});
out.wrongPassword = await code(connect(wrong));

const c = client('Manager1');
c.on('error', (e) => { console.error(e); process.exit(1); });
await connect(c);
out.user = (await exec(c, 'SELECT CURRENT_USER AS U FROM DUMMY'))[0].U;

await exec(c, `CREATE COLUMN TABLE NODE (ID INTEGER PRIMARY KEY, BI BIGINT, D1 DECIMAL(15,2), D2 DECIMAL(38,10), DF DECIMAL, DB DOUBLE, RE REAL,
  NV NVARCHAR(20), VB VARBINARY(10), DT DATE, TI TIME, SD SECONDDATE, TS TIMESTAMP, BO BOOLEAN, NC NCLOB, BL BLOB)`);
c.setAutoCommit(false);
const insert = await prepare(c, 'INSERT INTO NODE VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)');
const long = 'a😀ß€'.repeat(60000);
out.inserted = await run(insert, [1, '-9223372036854775808', '-1234567890123.45', '-1234567890123456789012345678.0123456789', '12345678901234567890.5', 1.5e300, 0.5,
  'aß€😀', Buffer.from([0, 255, 1]), '0001-01-01', '23:59:59', '1969-12-31 23:59:59', '9999-12-31 23:59:59.123', true, 'short 😀', Buffer.from([1, 2, 3])]);
await run(insert, [2, ...new Array(15).fill(null)]);
await run(insert, [3, 0, '0', '0', '0', 0, 0, '', Buffer.alloc(0), '1582-10-15', '00:00:00', '2000-01-01 00:00:00', '2000-01-01 00:00:00', false, long, Buffer.from(long, 'utf8')]);
await promisify(c.commit.bind(c))();

await exec(c, "INSERT INTO NODE (ID) VALUES (4)");
await promisify(c.rollback.bind(c))();
c.setAutoCommit(true);
out.codes = {
  syntax: await code(exec(c, 'SELEKT')),
  table: await code(exec(c, 'SELECT * FROM NOTHERE')),
  column: await code(exec(c, 'SELECT NOTHERE FROM NODE')),
  duplicate: await code(exec(c, 'INSERT INTO NODE (ID) VALUES (1)')),
  large: await code(exec(c, "INSERT INTO NODE (ID, NV) VALUES (5, '012345678901234567890')")),
  gap: await code(exec(c, "INSERT INTO NODE (ID, DT) VALUES (5, '1582-10-10')")),
};
const bulk = await prepare(c, 'INSERT INTO NODE (ID, NV) VALUES (?, ?)');
out.bulk = await run(bulk, [[10, 'x'], [11, 'y'], [12, 'z']]);

out.node = rows(await exec(c, 'SELECT * FROM NODE WHERE ID <= 3 ORDER BY ID'));
for (const r of out.node) {
  if (r.NC && r.NC.length > 100) r.NC = r.NC === long ? 'the long one' : 'something else';
  if (r.BL && r.BL.length > 100) r.BL = r.BL === 'hex:' + Buffer.from(long).toString('hex') ? 'the long one' : 'something else';
}
out.go = rows(await exec(c, 'SELECT * FROM GO ORDER BY ID'));
const select = await prepare(c, 'SELECT ID FROM NODE WHERE NV = ? ORDER BY ID');
out.selected = await run(select, ['y']);
out.count = (await exec(c, 'SELECT COUNT(*) AS N FROM NODE'))[0].N;
console.log(JSON.stringify(out));
c.disconnect(() => process.exit(0));
