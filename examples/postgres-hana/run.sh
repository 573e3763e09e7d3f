#!/usr/bin/env bash
# Moves an SAP-like schema from PostgreSQL to SAP HANA and lets psql and SAP's own JavaScript client
# compare every row.
#
#   examples/postgres-hana/run.sh [DMOCTL [ROWS]]
#
# Needs Go, node, npm, psql, and an empty PostgreSQL database that PGHOST, PGPORT, PGDATABASE, PGUSER and
# PGPASSWORD name; the sample is written into it. HANA is a simulator; examples/oracle-hana/README.md says
# how to take a real one.
set -euo pipefail
: "${PGHOST:?}" "${PGPORT:?}" "${PGDATABASE:?}" "${PGUSER:?}" "${PGPASSWORD=}"
export PGPASSWORD

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
. "$here/../clients/lib.sh"
trap finish EXIT
build ${1:+"$1"}
clients
cp "$here/main.dmo.hcl" "$work"
cd "$work"
run sample --to "postgres://$PGUSER@$PGHOST:$PGPORT/$PGDATABASE" --rows "${2:-20000}" --small 190 --empty 10 --schema sapsr3
psql -XqAt -v ON_ERROR_STOP=1 -f "$here/prepare.sql"
simulators 0

run validate
run plan --out plan.json
run apply plan.json
run plan --detailed-exitcode
run verify --content
say "compare"
tables postgres sapsr3 > source.txt
tables hana WAREHOUSE > target.txt
same source.txt target.txt
