#!/usr/bin/env bash
# Moves Chinook, a database that somebody else wrote, three ways in two modes, and lets
# psql and sqlite3 compare every row, key, index and foreign key.
#
#   examples/chinook/run.sh DIR [DMOCTL]
#
# DIR holds chinook.sqlite and chinook_postgresql.sql. The script starts two
# PostgreSQL servers of its own, as an unprivileged user, and leaves nothing behind.
set -euo pipefail

directory=$(realpath "${1:?usage: run.sh DIR [DMOCTL]}")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 755 "$work"
if [ $# -gt 1 ]; then
  dmoctl=$(realpath "$2")
else
  dmoctl=$work/dmoctl
  (cd "$here" && CGO_ENABLED=0 go build -o "$dmoctl" ../../cmd/dmoctl)
fi
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb)")

# A server refuses to run as root.
as=()
[ "$(id -u)" != 0 ] || as=(setpriv --reuid=nobody --regid=nogroup --clear-groups --)
free_port() { for ((p = 20000 + RANDOM % 20000; ; p++)); do (: </dev/tcp/127.0.0.1/$p) 2>/dev/null || { echo $p; return; }; done; }

start() { # start NAME: a server, its port in the variable NAME
  local dir=$work/$1 port
  port=$(free_port)
  install -d -m 700 "$dir"
  [ ${#as[@]} = 0 ] || chown nobody:nogroup "$dir"
  (cd "$dir"
    "${as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
    "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o "-p $port -k $dir -c listen_addresses=127.0.0.1 -c fsync=off" start >/dev/null)
  printf -v "$1" %s "$port"
}
finish() {
  for dir in "$work/source_port" "$work/target_port"; do
    [ ! -e "$dir/data/postmaster.pid" ] || (cd "$dir" && "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null) || true
  done
  rm -rf "$work"
}
trap finish EXIT
export PGOPTIONS='--client-min-messages=warning'
pg() { psql -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -U postgres -p "$1" -d "$2" "${@:3}"; }

start source_port
start target_port
cp "$directory/chinook.sqlite" "$work/chinook.sqlite"
pg "$source_port" postgres -f "$directory/chinook_postgresql.sql" >/dev/null

# --- what a database holds, one fact a line, by programs that are not dmoctl ---

# Text travels as hex, so that no separator or line break can hide a difference.
sqlite_rows() { # sqlite_rows FILE exact|neutral
  local table row
  sqlite3 "$1" "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE 'dmo!_%' ESCAPE '!' ORDER BY 1" |
    while read -r table; do
      row=$(sqlite3 "$1" "SELECT group_concat('iif(\"' || name || '\" IS NULL, ''-'', lower(hex(' || CASE
          WHEN '$2' = 'exact' THEN 'quote(\"' || name || '\")'
          WHEN type LIKE 'NUMERIC%' THEN 'printf(''%.2f'', \"' || name || '\")'
          ELSE 'CAST(\"' || name || '\" AS TEXT)' END || ')))', ' || ''|'' || ') FROM pragma_table_info('$table')")
      sqlite3 "$1" "SELECT '$table' || '|' || $row FROM \"$table\""
    done | LC_ALL=C sort
}
sqlite_shape() {
  sqlite3 "$1" "
    SELECT 'column', m.name, c.cid, c.name, upper(c.type), c.\"notnull\", c.pk FROM sqlite_master m, pragma_table_info(m.name) c
      WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND m.name NOT LIKE 'dmo!_%' ESCAPE '!'
    UNION ALL SELECT 'index', m.name, i.\"unique\", CASE i.origin WHEN 'c' THEN i.name ELSE i.origin END, group_concat(x.name), '', ''
      FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) x
      WHERE m.type = 'table' AND m.name NOT LIKE 'dmo!_%' ESCAPE '!' GROUP BY m.name, i.name
    UNION ALL SELECT 'foreign key', m.name, f.\"table\", f.\"from\", coalesce(f.\"to\", ''), f.on_delete, f.on_update
      FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'" | LC_ALL=C sort
}
pg_rows() { # pg_rows PORT DATABASE
  pg "$1" "$2" -c "SELECT format('SELECT %L || ''|'' || ', c.relname) || string_agg(format('coalesce(encode(convert_to(%I::text, ''UTF8''), ''hex''), ''-'')', a.attname), ' || ''|'' || ' ORDER BY a.attnum) || format(' FROM public.%I;', c.relname)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY c.oid, c.relname" | pg "$1" "$2" -f - | LC_ALL=C sort
}
pg_shape() {
  pg "$1" "$2" -c "SELECT 'column', table_name, ordinal_position, column_name, udt_name, character_maximum_length, numeric_precision, numeric_scale, is_nullable, column_default FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, NULL, conname, pg_get_constraintdef(oid), NULL, NULL, NULL, convalidated::text, NULL FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', tablename, NULL, indexname, indexdef, NULL, NULL, NULL, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'" | LC_ALL=C sort
}
# Keys, indexes and foreign keys in words that both engines share.
sqlite_links() {
  sqlite3 "$1" "
    SELECT 'key', m.name, group_concat(c.name, ',') FROM sqlite_master m, (SELECT * FROM (SELECT m.name AS t, i.name, i.pk FROM sqlite_master m, pragma_table_info(m.name) i WHERE m.type = 'table' AND i.pk > 0) ORDER BY t, pk) c
      WHERE m.type = 'table' AND c.t = m.name GROUP BY m.name
    UNION ALL SELECT 'index', m.name, group_concat(x.name, ',') FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) x
      WHERE m.type = 'table' AND i.origin = 'c' GROUP BY m.name, i.name
    UNION ALL SELECT 'foreign key', m.name, f.\"from\" || ' -> ' || f.\"table\" || '.' || f.\"to\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'" | LC_ALL=C sort
}
pg_links() {
  pg "$1" "$2" -c "
    WITH cols AS (SELECT k.oid, string_agg(a.attname, ',' ORDER BY u.n) AS names FROM pg_constraint k, unnest(k.conkey) WITH ORDINALITY u(att, n), pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = u.att GROUP BY k.oid),
      refs AS (SELECT k.oid, string_agg(a.attname, ',' ORDER BY u.n) AS names FROM pg_constraint k, unnest(k.confkey) WITH ORDINALITY u(att, n), pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = u.att GROUP BY k.oid)
    SELECT 'key', t.relname, c.names FROM pg_constraint k JOIN cols c USING (oid) JOIN pg_class t ON t.oid = k.conrelid WHERE k.contype = 'p' AND k.connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', t.relname, (SELECT string_agg(a.attname, ',' ORDER BY u.n) FROM unnest(i.indkey) WITH ORDINALITY u(att, n), pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = u.att)
      FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE t.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
    UNION ALL SELECT 'foreign key', t.relname, c.names || ' -> ' || r.relname || '.' || f.names FROM pg_constraint k JOIN cols c USING (oid) JOIN refs f USING (oid) JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid WHERE k.contype = 'f' AND k.convalidated AND k.connamespace = 'public'::regnamespace" | LC_ALL=C sort
}

same() { # same WHAT FILE FILE
  [ -s "$2" ] || { echo "chinook: nothing to compare: $1" >&2; exit 1; }
  diff -u "$2" "$3" >&2 || { echo "chinook: $1 differ" >&2; exit 1; }
  echo "  equal: $1 ($(wc -l < "$2"))"
}

# move PAIR MODE VARS...: the spec as it is for pipe mode, through a staging for file mode.
move() {
  local pair=$1 mode=$2 dir=$work/$1-$2
  shift 2
  cp -r "$here/$pair" "$dir"
  if [ "$mode" = file ]; then
    sed -i 's/transfer "pipe" {}/transfer "file" { via = staging.local.move }/' "$dir/main.dmo.hcl"
    printf 'staging "local" "move" {\n  path = "staging"\n}\n' > "$dir/staging.dmo.hcl"
  fi
  echo "== $pair, $mode mode"
  "$dmoctl" --chdir "$dir" "${@/#/--var=}" plan --out plan.json > "$work/out" 2>&1 || { cat "$work/out"; return 1; }
  "$dmoctl" --chdir "$dir" "${@/#/--var=}" apply plan.json > "$work/out" 2> "$work/err" || { cat "$work/out" "$work/err"; return 1; }
  "$dmoctl" --chdir "$dir" "${@/#/--var=}" plan --detailed-exitcode > /dev/null
}

for mode in pipe file; do
  move sqlite-sqlite $mode
  copy=$work/sqlite-sqlite-$mode/copy.sqlite
  sqlite_rows "$work/chinook.sqlite" exact > "$work/a"; sqlite_rows "$copy" exact > "$work/b"; same rows "$work/a" "$work/b"
  sqlite_shape "$work/chinook.sqlite" > "$work/a"; sqlite_shape "$copy" > "$work/b"
  same "columns, keys, indexes and foreign keys" "$work/a" "$work/b"

  pg "$target_port" postgres -c "CREATE DATABASE pg_$mode"
  move postgres-postgres $mode source_port="$source_port" target_port="$target_port" target_database=pg_$mode
  pg_rows "$source_port" chinook > "$work/a"; pg_rows "$target_port" pg_$mode > "$work/b"; same rows "$work/a" "$work/b"
  pg_shape "$source_port" chinook > "$work/a"; pg_shape "$target_port" pg_$mode > "$work/b"
  same "columns, keys, indexes and foreign keys" "$work/a" "$work/b"

  pg "$target_port" postgres -c "CREATE DATABASE lite_$mode"
  move sqlite-postgres $mode target_port="$target_port" target_database=lite_$mode
  sqlite_rows "$work/chinook.sqlite" neutral > "$work/a"; pg_rows "$target_port" lite_$mode > "$work/b"; same rows "$work/a" "$work/b"
  sqlite_links "$work/chinook.sqlite" > "$work/a"; pg_links "$target_port" lite_$mode > "$work/b"
  same "keys, indexes and foreign keys" "$work/a" "$work/b"
done
echo "Chinook is equal, three ways in two modes."
