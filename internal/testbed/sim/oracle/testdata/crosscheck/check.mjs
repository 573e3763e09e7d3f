// Drives the server with Oracle's client in thin mode and prints what it saw as JSON.
// Arguments: host, port. The table GO is there, with the test's rows.
import oracledb from 'oracledb';

const [host, port] = process.argv.slice(2);
const connectString = `${host}:${port}/ORCL`;
const out = {};
const code = async (f) => { try { await f(); return 0; } catch (e) { return e.errorNum ?? e.code; } };

out.wrongPassword = await code(() => oracledb.getConnection({ user: 'DMO', password: 'wrong', connectString }));
out.wrongUser = await code(() => oracledb.getConnection({ user: 'NOBODY', password: 'secret', connectString }));
out.wrongService = await code(() => oracledb.getConnection({ user: 'DMO', password: 'secret', connectString: `${host}:${port}/NONE` }));

const conn = await oracledb.getConnection({ user: 'DMO', password: 'secret', connectString });
out.version = conn.oracleServerVersionString;
oracledb.fetchTypeHandler = (m) => {
  switch (m.dbType) {
    case oracledb.DB_TYPE_NUMBER:
    case oracledb.DB_TYPE_CLOB:
    case oracledb.DB_TYPE_NCLOB:
      return { type: oracledb.STRING };
    case oracledb.DB_TYPE_BLOB:
      return { type: oracledb.BUFFER };
  }
};
const plain = (v) => v instanceof Date ? v.toISOString() : Buffer.isBuffer(v) ? 'hex:' + v.toString('hex') :
  v !== null && typeof v === 'object' ? JSON.stringify(v) : v;
const rows = async (sql, binds = []) => (await conn.execute(sql, binds)).rows.map((r) => r.map(plain));

await conn.execute(`CREATE TABLE node (id NUMBER(5) PRIMARY KEY, n NUMBER, p NUMBER(38,10), v VARCHAR2(40), nv NVARCHAR2(20), r RAW(10), d DATE,
  ts TIMESTAMP(6), f BINARY_FLOAT, b BINARY_DOUBLE, c CLOB, nc NCLOB, bl BLOB, ch CHAR(4), ym INTERVAL YEAR TO MONTH, ds INTERVAL DAY TO SECOND)`);
const long = 'a😀ß€'.repeat(20000);
const insert = `INSERT INTO node VALUES (:1, :2, :3, :4, :5, :6, TO_DATE(:7, 'SYYYY-MM-DD HH24:MI:SS'), TO_TIMESTAMP(:8, 'YYYY-MM-DD HH24:MI:SS.FF'), :9, :10, :11, :12, :13, :14,
  TO_YMINTERVAL(:15), TO_DSINTERVAL(:16))`;
const national = (val) => ({ val, type: oracledb.DB_TYPE_NVARCHAR });
const lob = async (type, text) => { const l = await conn.createLob(type); await new Promise((ok, no) => { l.on('error', no); l.on('finish', ok); l.end(text); }); return l; };
let r = await conn.execute(insert, [1, -0.001, 12345.678, 'aß€😀 ', national('n😀'), Buffer.from('00ff', 'hex'), '-0044-03-15 12:30:00',
  '9999-12-31 23:59:59.999999', 0.5, { val: -1.5e300, type: oracledb.DB_TYPE_BINARY_DOUBLE }, 'short 😀', 'nc', Buffer.from('010203', 'hex'), 'xy', '-1-2', '3 04:05:06.7']);
out.inserted = r.rowsAffected;
await conn.execute(insert, [2, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null]);
await conn.execute(insert, [3, 1e40, 0, '', national('x'), Buffer.from('01', 'hex'), ' 2024-02-29 00:00:00', '1970-01-01 00:00:00.0', 0, 0,
  await lob(oracledb.CLOB, long), await lob(oracledb.NCLOB, long), await lob(oracledb.BLOB, Buffer.from(long)), 'abcd', '0-0', '0 00:00:00']);
r = await conn.executeMany('INSERT INTO node (id, v) VALUES (:1, :2)', [[10, 'a'], [11, 'b'], [12, 'c']]);
out.many = r.rowsAffected;
r = await conn.executeMany('INSERT INTO node (id, v) VALUES (:1, :2)', [[20, 'a'], [11, 'b'], [21, 'c']], { batchErrors: true, dmlRowCounts: true });
out.batch = { rows: r.rowsAffected, counts: r.dmlRowCounts, errors: r.batchErrors.map((e) => [e.offset, e.errorNum ?? Number(/ORA-0*(\d+)/.exec(e.message)?.[1])]) };
await conn.commit();

out.codes = {};
for (const [name, sql] of Object.entries({
  syntax: 'SELEC 1', table: 'SELECT 1 FROM nowhere', column: 'SELECT x FROM dual', duplicate: "INSERT INTO node (id) VALUES (1)",
  large: "INSERT INTO node (id, ch) VALUES (99, 'abcde')", number: "SELECT 1 FROM dual WHERE 1 = 'x'",
})) out.codes[name] = await code(() => conn.execute(sql));

out.node = (await rows('SELECT * FROM node WHERE id <= 3 ORDER BY id')).map((row) => row.map((v) => v === long ? 'the long one' : v === 'hex:' + Buffer.from(long).toString('hex') ? 'the long one' : v));
out.go = await rows('SELECT * FROM go ORDER BY id');
out.rowids = (await rows('SELECT ROWID, ROWIDTOCHAR(ROWID) FROM go')).every(([a, b]) => a === b && a.length === 18);
out.streamed = await (async () => {
  oracledb.fetchTypeHandler = undefined;
  const [[l, b]] = (await conn.execute('SELECT c, bl FROM node WHERE id = 3')).rows;
  return (await l.getData()) === long && (await b.getData()).equals(Buffer.from(long));
})();
out.many1000 = (await conn.execute('SELECT a.id FROM node a, node b, node c, node d', [], { fetchArraySize: 7, prefetchRows: 3 })).rows.length;

conn.callTimeout = 200;
out.timeout = await code(() => conn.execute("SELECT 'slow' FROM dual"));
conn.callTimeout = 0;
out.after = (await conn.execute("SELECT 'still there' FROM dual")).rows[0][0];
await conn.execute('DELETE FROM node WHERE id = 12');
await conn.rollback();
out.count = (await conn.execute('SELECT COUNT(*) FROM node')).rows[0][0];
await conn.close();
console.log(JSON.stringify(out));
