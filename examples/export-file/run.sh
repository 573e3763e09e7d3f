#!/usr/bin/env bash
# Shows that export files are read by others: "zstd -dc" and npm's apache-arrow print
# every row of a migration's export files, and sqlite3 prints the source's.
#
#   examples/export-file/run.sh [DMOCTL]
#
# Needs sqlite3, zstd, node, npm, and an empty PostgreSQL database that PGHOST, PGPORT,
# PGDATABASE, PGUSER and PGPASSWORD name: towards another engine rows travel in Arrow's own types. The npm packages that package-lock.json names are kept in
# the directory that DMO_CACHE names, or in one for temporary files.
set -euo pipefail
: "${PGHOST:?}" "${PGPORT:?}" "${PGDATABASE:?}" "${PGUSER:?}" "${PGPASSWORD=}"
export PGPASSWORD

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -gt 0 ]; then
  dmoctl=$(realpath "$1")
else
  dmoctl=$work/dmoctl
  (cd "$here" && CGO_ENABLED=0 go build -o "$dmoctl" ../../cmd/dmoctl)
fi

modules=${DMO_CACHE:-$work}/npm-$(sha256sum < "$here/package-lock.json" | cut -c1-16)
if [ ! -e "$modules/done" ]; then
  mkdir -p "$modules"
  cp "$here/package.json" "$here/package-lock.json" "$modules"
  (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  touch "$modules/done"
fi
cp "$here/print.mjs" "$modules"

cp "$here/main.dmo.hcl" "$work"
sqlite3 "$work/shop.db" < "$here/shop.sql"
"$dmoctl" --chdir "$work" apply --auto-approve > "$work/out" 2>&1 || { cat "$work/out"; exit 1; }

node "$modules/print.mjs" "$work/staging" | LC_ALL=C sort > "$work/files.txt"
sqlite3 "$work/shop.db" "
  SELECT 'orders|' || id || '|' || paid || '|' || printf('%.2f', amount) || '|' || printf('%.8f', ratio) || '|' || hex(name) || '|' ||
    iif(note IS NULL, 'NULL', hex(note)) || '|' || iif(picture IS NULL, 'NULL', hex(picture)) || '|' || day || '|' || at FROM orders
  UNION ALL SELECT 'small|' || hex(code) || '|' || hex(label) FROM small
  UNION ALL SELECT 'none|' || id FROM none" | LC_ALL=C sort > "$work/source.txt"

diff "$work/source.txt" "$work/files.txt" > "$work/diff.txt" || { head -20 "$work/diff.txt"; echo "export-file: rows differ" >&2; exit 1; }
echo "$(wc -l < "$work/files.txt") rows of $(find "$work/staging/data" -type f | wc -l) export files are those of the source."
