// Prints every row of every export file that a staging's journal names, one row a
// line, after "zstd -dc" and by npm's apache-arrow: neither is dmoctl's.
//
//   node print.mjs STAGING
import { readFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { tableFromIPC, Type } from 'apache-arrow'

const staging = process.argv[2]

// Cells are printed as sqlite3 is asked to print them: text as hex, so that no
// separator or line break can hide a difference.
const hex = (bytes) => Buffer.from(bytes).toString('hex').toUpperCase()

function decimal(words, scale) {
  let n = 0n
  for (let i = words.length - 1; i >= 0; i--) n = (n << 32n) | BigInt(words[i])
  n = BigInt.asIntN(words.length * 32, n)
  const digits = (n < 0n ? -n : n).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return (n < 0n ? '-' : '') + whole + (scale > 0 ? '.' + digits.slice(-scale) : '')
}

// Microseconds stay integers: a float of milliseconds would round them.
function timestamp(micros) {
  let seconds = micros / 1000000n
  let rest = micros % 1000000n
  if (rest < 0n) { rest += 1000000n; seconds -= 1n }
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return rest === 0n ? text : text + '.' + rest.toString().padStart(6, '0')
}

function cell(data, type, i) {
  if (!data.getValid(i)) return 'NULL'
  switch (type.typeId) {
    case Type.Bool: return (data.values[(data.offset + i) >> 3] >> ((data.offset + i) & 7)) & 1 ? '1' : '0'
    case Type.Int: return String(data.values[i])
    case Type.Float: return data.values[i].toFixed(8)
    case Type.Decimal: {
      const width = type.bitWidth / 32
      return decimal(data.values.subarray(i * width, (i + 1) * width), type.scale)
    }
    case Type.Date: return new Date(data.values[i] * 86400000).toISOString().slice(0, 10)
    case Type.Timestamp: return timestamp(data.values[i])
    case Type.Utf8: case Type.LargeUtf8: case Type.Binary: case Type.LargeBinary:
      return hex(data.values.subarray(Number(data.valueOffsets[i]), Number(data.valueOffsets[i + 1])))
  }
  throw new Error('no text for ' + type)
}

function print(table, file) {
  const object = readFileSync(join(staging, file.object))
  const zstd = spawnSync('zstd', ['-dc'], { input: object.subarray(file.offset, file.offset + file.length), maxBuffer: 1 << 30 })
  if (zstd.status !== 0) throw new Error('zstd: ' + zstd.stderr)
  const rows = tableFromIPC(zstd.stdout)
  if (rows.numRows !== file.rows) throw new Error(`${file.object} has ${rows.numRows} rows, its manifest says ${file.rows}`)
  const lines = []
  for (const batch of rows.batches) {
    for (let i = 0; i < batch.numRows; i++) {
      lines.push([table, ...batch.data.children.map((data, c) => cell(data, batch.schema.fields[c].type, i))].join('|'))
    }
  }
  if (lines.length > 0) process.stdout.write(lines.join('\n') + '\n')
}

for (let n = 1; ; n++) {
  const name = join(staging, 'source', String(n).padStart(8, '0') + '.json')
  if (!existsSync(name)) break
  for (const record of JSON.parse(readFileSync(name)).records) {
    for (const pack of record.manifest?.packages ?? []) {
      for (const file of pack.files ?? []) print(pack.table.name, file)
    }
  }
}
