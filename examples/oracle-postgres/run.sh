#!/usr/bin/env bash
# Moves an SAP-like schema from Oracle to PostgreSQL and lets Oracle's own JavaScript client and psql
# compare every row.
#
#   examples/oracle-postgres/run.sh [DMOCTL [ROWS]]
#
# Needs Go, node, npm, psql, and an empty PostgreSQL database that PGHOST, PGPORT, PGDATABASE, PGUSER and
# PGPASSWORD name. Oracle is a simulator; examples/oracle-hana/README.md says how to take a real one.
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
simulators "${2:-20000}"

run validate
run plan --out plan.json
run apply plan.json
run plan --detailed-exitcode
run verify --content
say "compare"
tables oracle SAPSR3 | grep -v '^STXL	' > source.txt # the spec leaves it out
tables postgres sapsr3 > target.txt
same source.txt target.txt
