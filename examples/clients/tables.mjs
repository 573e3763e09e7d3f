// Prints every table of a schema with its number of rows and a hash of them, whatever their order, by a
// client that is not dmoctl's: Oracle's (npm oracledb), SAP's (npm hdb) or psql.
//
//   node tables.mjs oracle|hana|postgres SCHEMA [abap]
//
// With "abap", trailing blanks of an Oracle column that is NOT NULL with the default ' ' are dropped, as
// blank = "abap" does. Connections come from ORACLE_*, HANA_* and PG*.
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const require = createRequire(import.meta.url)
const [engine, schema, blank] = process.argv.slice(2)
const env = process.env

// One way only to write a number: no exponent, no zeros that say nothing.
function number(text) {
  const m = /^(-?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text)
  if (!m) return text
  let [, sign, whole, fraction, exponent] = m
  const shift = Number(exponent ?? 0)
  if (shift > 0) [whole, fraction] = [whole + fraction.padEnd(shift, '0').slice(0, shift), fraction.slice(shift)]
  if (shift < 0) [whole, fraction] = [whole.slice(0, shift), whole.padStart(-shift, '0').slice(shift) + fraction]
  whole = whole.replace(/^0+/, '')
  fraction = fraction.replace(/0+$/, '')
  if (!whole && !fraction) return '0'
  return sign + (whole || '0') + (fraction && '.' + fraction)
}

const time = (text) => {
  text = text.replace('T', ' ').replace(/\+00$/, '')
  if (text.includes('.')) text = text.replace(/\.?0+$/, '')
  return text.replace(/ 00:00:00$/, '')
}

const cell = {
  number: (v) => number(String(v)),
  time: (v) => time(String(v)),
  float: (v) => String(Number(v)),
  bytes: (v) => Buffer.isBuffer(v) ? v.toString('hex') : v.replace(/^\\x/, ''),
  bool: (v) => String(v === true || v === 1 || v === 't'),
  uuid: (v) => Buffer.isBuffer(v) ? v.toString('hex') : v.replaceAll('-', ''),
  text: (v) => v,
}

function kind(type) {
  type = type.toUpperCase()
  if (/^(NUMBER|NUMERIC|DECIMAL|BIGINT|INTEGER|SMALLINT)/.test(type)) return 'number'
  if (/^(DATE|SECONDDATE|TIMESTAMP)/.test(type)) return 'time'
  if (/^(BINARY_DOUBLE|DOUBLE|REAL)/.test(type)) return 'float'
  if (/^(BLOB|RAW|VARBINARY|BYTEA)/.test(type)) return 'bytes'
  return { BOOLEAN: 'bool', UUID: 'uuid' }[type] ?? 'text'
}

const most = 1n << 128n

// print hashes rows of an iterable of arrays; hashes are added, so that their order does not matter.
async function print(table, columns, rows) {
  let sum = 0n, n = 0
  for await (const row of rows) {
    const h = createHash('sha256')
    for (let i = 0; i < columns.length; i++) {
      let v = row[i]
      if (v === null || v === undefined) { h.update('-;'); continue }
      v = cell[columns[i].kind](v)
      if (columns[i].trim) v = v.replace(/ +$/, '')
      const bytes = Buffer.from(v)
      h.update(bytes.length + ':').update(bytes)
    }
    sum = (sum + BigInt('0x' + h.digest('hex').slice(0, 32))) % most
    n++
  }
  process.stdout.write(`${table}\t${n}\t${sum.toString(16)}\n`)
}

const grouped = (rows) => {
  const out = new Map()
  for (const [table, ...column] of rows) out.set(table, [...(out.get(table) ?? []), column])
  return [...out].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}
const quoted = (name) => '"' + name.replaceAll('"', '""') + '"'

async function* filled(rows, columns, large) {
  for await (const row of rows) {
    large.forEach((l, n) => { if (row[columns + n] === '0') row[l.i] = l.empty })
    yield row
  }
}

async function oracle() {
  const oracledb = require('oracledb')
  oracledb.fetchTypeHandler = (m) => {
    if ([oracledb.DB_TYPE_NUMBER, oracledb.DB_TYPE_CLOB, oracledb.DB_TYPE_NCLOB].includes(m.dbType)) return { type: oracledb.STRING }
    if (m.dbType === oracledb.DB_TYPE_BLOB) return { type: oracledb.BUFFER }
  }
  const conn = await oracledb.getConnection({ user: env.ORACLE_USER, password: env.ORACLE_PASSWORD,
    connectString: `${env.ORACLE_HOST}:${env.ORACLE_PORT}/${env.ORACLE_SERVICE}` })
  const list = await conn.execute(`SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, NULLABLE, DATA_DEFAULT FROM ALL_TAB_COLUMNS
    WHERE OWNER = :1 AND TABLE_NAME IN (SELECT TABLE_NAME FROM ALL_TABLES WHERE OWNER = :2) ORDER BY TABLE_NAME, COLUMN_ID`, [schema, schema], { maxRows: 0 })
  for (const [table, columns] of grouped(list.rows)) {
    const items = columns.map(([name, type]) => /^(DATE|TIMESTAMP)/.test(type)
      ? `TO_CHAR(t.${quoted(name)}, '${type === 'DATE' ? 'YYYY-MM-DD HH24:MI:SS' : 'YYYY-MM-DD HH24:MI:SS.FF9'}')` : 't.' + quoted(name))
    // The client makes null of a large object that is empty.
    const large = columns.flatMap(([name, type], i) => /LOB$/.test(type) ? [{ i, empty: type === 'BLOB' ? Buffer.alloc(0) : '', item: `DBMS_LOB.GETLENGTH(t.${quoted(name)})` }] : [])
    const result = await conn.execute(`SELECT ${[...items, ...large.map((l) => l.item)].join(', ')} FROM ${quoted(schema)}.${quoted(table)} t`, [], { resultSet: true, fetchArraySize: 1000 })
    await print(table, columns.map(([, type, nullable, initial]) =>
      ({ kind: kind(type), trim: blank === 'abap' && /CHAR/.test(type) && nullable === 'N' && initial?.trim() === "' '" })), filled(result.resultSet, columns.length, large))
    await result.resultSet.close()
  }
  await conn.close()
}

async function hana() {
  const hdb = require('hdb')
  const iconv = require('iconv-lite') // the client hands an NCLOB's bytes on as they come: CESU-8
  const c = hdb.createClient({ host: env.HANA_HOST, port: Number(env.HANA_PORT), user: env.HANA_USER, password: env.HANA_PASSWORD, useCesu8: true, dataFormatSupport: 8 })
  c.on('error', (e) => { throw e })
  await promisify(c.connect.bind(c))()
  const exec = (sql) => promisify(c.exec.bind(c))(sql, { rowsAsArray: true })
  const list = await exec(`SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE_NAME FROM SYS.TABLE_COLUMNS WHERE SCHEMA_NAME = '${schema}' ORDER BY TABLE_NAME, POSITION`)
  for (const [table, columns] of grouped(list)) {
    const rows = await exec(`SELECT ${columns.map(([name]) => quoted(name)).join(', ')} FROM ${quoted(schema)}.${quoted(table)}`)
    const text = columns.map(([, type]) => type === 'NCLOB')
    await print(table, columns.map(([, type]) => ({ kind: kind(type) })),
      rows.map((r) => r.map((v, i) => text[i] && Buffer.isBuffer(v) ? iconv.decode(v, 'cesu8') : v)))
  }
  c.end()
}

function psql(sql) {
  const p = spawnSync('psql', ['-XqAt', '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-c', sql], { maxBuffer: 1 << 30 })
  if (p.status !== 0) throw new Error('psql: ' + p.stderr)
  const lines = p.stdout.toString().split('\n')
  lines.pop()
  return lines
}

const escapes = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v', '\\': '\\' }

async function postgres() {
  const list = psql(`SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum`)
  for (const [table, columns] of grouped(list.map((l) => l.split('\t')))) {
    const rows = psql(`COPY ${quoted(schema)}.${quoted(table)} TO STDOUT`).map((line) =>
      line.split('\t').map((f) => f === '\\N' ? null : f.replace(/\\(.)/g, (_, c) => escapes[c])))
    await print(table, columns.map(([, type]) => ({ kind: kind(type) })), rows)
  }
}

await { oracle, hana, postgres }[engine]()
