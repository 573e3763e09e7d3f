package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// What proves that a quiet source was quiet. The server's statistics do not: an idle session
// hands them in about ten seconds late, a procedure that commits only when it ends, a standby
// has none. Transactions are known at once. Row versions that one snapshot shows and an
// earlier one does not were inserted by a transaction that was not over then, so that their
// xmin is no less than the earlier snapshot's xmin. If there are no more of these than there
// were, and as many rows as there were, then both snapshots show the same versions; and so
// has each in between, except for versions that came and went, which the packages' own
// count of rows shows. Versions of that age that the earlier snapshot did show are told by
// their place and xmin. Prepared transactions, and those that were open, count as not over.

// instant is a snapshot of the server, by its transaction ids.
type instant struct {
	timeline string
	standby  bool
	text     string // as pg_current_snapshot prints it
	xmin     uint64
	xmax     uint64
}

const instantSQL = `SELECT pg_is_in_recovery(), CASE
  WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8)
  WHEN has_function_privilege('pg_control_checkpoint()', 'EXECUTE') THEN (SELECT lpad(upper(to_hex(timeline_id)), 8, '0') FROM pg_control_checkpoint()) END,
  pg_current_snapshot()`

func (v *view) instant(ctx context.Context) (instant, error) {
	r, err := v.s.one(ctx, opCompare, instantSQL)
	if err != nil {
		return instant{}, err
	}
	side := "primary"
	if r.bool(0) {
		side = "standby"
	}
	m, ok := parseInstant(side + " " + r.text(1) + " " + r.text(2))
	if !ok {
		return m, &providers.Error{Kind: providers.Internal, Op: opCompare, Err: fmt.Errorf("the server's snapshot %q has an unexpected format", r.text(2))}
	}
	return m, nil
}

// parseInstant reads "primary 00000001 700:702:700".
func parseInstant(text string) (instant, bool) {
	words := strings.Split(text, " ")
	if len(words) != 3 {
		return instant{}, false
	}
	m := instant{timeline: words[1], standby: words[0] == "standby", text: words[2]}
	bounds := strings.SplitN(words[2], ":", 3)
	if len(bounds) != 3 {
		return m, false
	}
	var low, high error
	m.xmin, low = strconv.ParseUint(bounds[0], 10, 64)
	m.xmax, high = strconv.ParseUint(bounds[1], 10, 64)
	return m, low == nil && high == nil
}

func (m instant) String() string {
	side := "primary"
	if m.standby {
		side = "standby"
	}
	return side + " " + m.timeline + " " + m.text
}

// settled says whether every transaction below xmax was over.
func (m instant) settled() bool { return m.xmin == m.xmax }

// same says whether two moments show the same: no transaction has ended in between. A standby's
// snapshot does not list the open ones.
func (m instant) same(o instant) bool {
	return m.timeline == o.timeline && m.text == o.text && (m.settled() || !m.standby && !o.standby)
}

// cannot says why versions of an earlier instant cannot be told by their xmin, or nothing.
func (m instant) cannot(before instant) string {
	switch {
	case m.timeline != before.timeline:
		return "the server was restored or replaced by another one, so there is no proof that it was not written to"
	case m.xmax < before.xmax:
		return "the server's transaction ids are behind the recorded ones, so there is no proof that it was not written to"
	case m.xmax-before.xmin > 1<<31-1<<24:
		return "too many transactions have passed to prove that it was not written to"
	}
	return ""
}

const opCompare = "compare counts"

// Count implements providers.View.
func (v *view) Count(ctx context.Context, tables []*catalog.Table) ([]providers.Counted, error) {
	if v.sn.exported != "" || v.sn.db.role == targetRole {
		return v.count(ctx, tables, nil)
	}
	now, err := v.instant(ctx)
	if err != nil {
		return nil, err
	}
	var since []instant
	if !now.settled() { // else the snapshot shows no version that is younger
		since = slices.Repeat([]instant{now}, len(tables))
	}
	out, err := v.count(ctx, tables, since)
	for i := range out {
		out[i].Changes = now.String() + ";" + out[i].Changes
	}
	return out, err
}

// Compare implements providers.View.
func (v *view) Compare(ctx context.Context, tables []*catalog.Table, before []providers.Counted) ([]string, error) {
	now, err := v.instant(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(tables))
	var recount []*catalog.Table
	var since []instant
	var versions []string
	var at []int
	for i, t := range tables {
		mark, young, _ := strings.Cut(before[i].Changes, ";")
		then, ok := parseInstant(mark)
		switch {
		case !ok:
			out[i] = "no proof of it was recorded"
		case now.same(then):
		default:
			if out[i] = now.cannot(then); out[i] == "" {
				recount, since, versions, at = append(recount, t), append(since, then), append(versions, young), append(at, i)
			}
		}
	}
	counted, err := v.count(ctx, recount, since)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		switch {
		case counted[k].Rows != before[i].Rows:
			out[i] = fmt.Sprintf("it had %d rows before the first package, now it has %d", before[i].Rows, counted[k].Rows)
		case counted[k].Changes != versions[k]:
			out[i] = "rows were inserted or updated since the first package"
		}
	}
	return out, v.Confirm(ctx)
}

// countsAtOnce is how many counts one statement takes.
const countsAtOnce = 500

// count counts tables, leaf by leaf. With since, Changes is a fingerprint of the versions
// whose transaction was not certainly over at that instant.
func (v *view) count(ctx context.Context, tables []*catalog.Table, since []instant) ([]providers.Counted, error) {
	out := make([]providers.Counted, len(tables))
	young := make([][]string, len(tables))
	type one struct {
		of  int
		sql string
	}
	var all []one
	for i, t := range tables {
		parts := v.parts(t, catalog.WholeTable())
		if err := v.take(ctx, parts); err != nil {
			return nil, err
		}
		for _, p := range parts {
			all = append(all, one{i, "(SELECT " + counting(since, i) + " FROM " + v.from(p) + ")"})
		}
	}
	for some := range slices.Chunk(all, countsAtOnce) {
		list := make([]string, len(some))
		for i, o := range some {
			list[i] = o.sql
		}
		r, err := v.s.one(ctx, "count", "SELECT "+strings.Join(list, ", "))
		if err != nil && some[0].of == some[len(some)-1].of {
			return nil, providers.Gone(wrapTable("count", tables[some[0].of].Name, err))
		}
		if err != nil {
			return nil, err // of several tables, which are then tried one by one
		}
		for i, o := range some {
			rows, versions, _ := strings.Cut(r.text(i), " ")
			n, err := strconv.ParseInt(rows, 10, 64)
			if err != nil {
				return nil, wrapTable("count", tables[o.of].Name, err)
			}
			out[o.of].Rows += n
			young[o.of] = append(young[o.of], versions)
		}
	}
	for i, versions := range young {
		if strings.Join(versions, "") != "" {
			sum := sha256.Sum256([]byte(strings.Join(versions, ",")))
			out[i].Changes = hex.EncodeToString(sum[:8])
		}
	}
	return out, nil
}

// counting spells what is counted of the i-th table.
func counting(since []instant, i int) string {
	if since == nil {
		return "count(*)"
	}
	return fmt.Sprintf("concat(count(*), ' ', sum(hashtextextended(concat(ctid, xmin), 0)) FILTER (WHERE age(xmin) <= age('%d'::xid)))", uint32(since[i].xmin))
}
