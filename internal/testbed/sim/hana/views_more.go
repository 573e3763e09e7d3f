package hana

import (
	"slices"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func viewPartitioned(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		p := d.partition
		if p == nil {
			return
		}
		var names []string
		for _, n := range p.columns {
			names = append(names, n.Name)
		}
		v.add(t.name.Schema, t.name.Name, t.oid, p.kind, strings.Join(names, ","), p.count(), nil, nil, nil, p.text())
	})
}

func viewPartitions(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		if d.partition == nil {
			return
		}
		for i := range d.partition.count() {
			var low, high any
			if d.partition.kind == "RANGE" {
				r := d.partition.ranges[i]
				if r.low != nil {
					low = textOf(r.low.Value)
				}
				if r.high != nil {
					high = textOf(r.high.Value)
				}
			}
			v.add(t.name.Schema, t.name.Name, i+1, i+1, low, high)
		}
	})
}

func viewGroups(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		if d.group != [3]string{} {
			v.add(t.name.Schema, t.name.Name, orNull(d.group[2]), orNull(d.group[0]), orNull(d.group[1]))
		}
	})
}

func viewViews(v *viewRows) {
	for _, t := range v.s.db.relationsOf(v.tx) {
		if t.view != nil && v.s.shown(v.tx, t.name.Schema) {
			v.add(t.name.Schema, t.name.Name, t.oid, t.view.text)
		}
	}
}

func viewSequences(v *viewRows) {
	for _, q := range v.s.db.sequencesOf(v.tx) {
		if !v.s.shown(v.tx, q.name.Schema) {
			continue
		}
		q.mu.Lock()
		v.add(q.name.Schema, q.name.Name, q.oid, q.start, q.min, q.max, q.increment, q.cycle, nil, q.cache)
		q.mu.Unlock()
	}
}

// viewSequenceValues shows the last value given out; NULL before the first (assumption).
func viewSequenceValues(v *viewRows) {
	for _, q := range v.s.db.sequencesOf(v.tx) {
		if !v.s.shown(v.tx, q.name.Schema) {
			continue
		}
		q.mu.Lock()
		var current any
		switch {
		case q.exhausted:
			current = q.next
		case q.used:
			current = q.next - q.increment
		}
		v.add(q.name.Schema, q.name.Name, q.oid, current)
		q.mu.Unlock()
	}
}

func viewPrivileges(v *viewRows) {
	v.s.db.mu.RLock()
	users := make([]*user, 0, len(v.s.db.users))
	for _, u := range v.s.db.users {
		users = append(users, u)
	}
	schemas := slices.Clone(v.s.db.schemas)
	v.s.db.mu.RUnlock()
	for _, u := range users {
		if u != v.s.user && !v.s.user.has(grant{privilege: "CATALOG READ"}) {
			continue
		}
		u.mu.Lock()
		for g := range u.grants {
			kind := "SYSTEMPRIVILEGE"
			switch {
			case g.object != "":
				kind = "TABLE"
			case g.schema != "":
				kind = "SCHEMA"
			}
			v.add(u.name, "SYSTEM", u.name, kind, orNull(g.schema), orNull(g.object), g.privilege, false, true)
		}
		u.mu.Unlock()
		for _, sc := range schemas {
			if sc.owner != u.name || !sc.visible(v.tx) {
				continue
			}
			for _, p := range objectPrivileges {
				v.add(u.name, "SYS", u.name, "SCHEMA", sc.name, nil, p, true, true)
			}
		}
	}
}

func viewUsers(v *viewRows) {
	v.s.db.mu.RLock()
	defer v.s.db.mu.RUnlock()
	for name := range v.s.db.users {
		v.add(name, len(name))
	}
}

func viewDatabase(v *viewRows) {
	v.add("H00", v.s.db.name, "hanasim", stampOf(v.s.db.started), v.s.db.version, "TEST")
}

func viewTableSizes(v *viewRows) {
	snap := v.s.db.engine.SnapshotAt(0)
	defer snap.Close()
	v.tables(func(t *table, d *tableDef) {
		v.add(t.name.Schema, t.name.Name, t.rows.Count(snap), t.rows.Bytes(), d.columnStore, storeOf(d), d.partition != nil, false)
	})
}

// viewColumnStore has one row a partition; what is not merged yet is in the delta.
func viewColumnStore(v *viewRows) {
	snap := v.s.db.engine.SnapshotAt(0)
	defer snap.Close()
	v.tables(func(t *table, d *tableDef) {
		if !d.columnStore {
			return
		}
		parts := 1
		if d.partition != nil {
			parts = d.partition.count()
		}
		counts, size, total := t.rows.PartCounts(), t.rows.Bytes(), t.rows.Count(snap)
		main := min(t.merged.Load(), total)
		var merged any
		if at := t.mergeTime.Load(); at != 0 {
			merged = stampOf(time.Unix(at, 0))
		}
		loaded := "FULL"
		if !t.loaded.Load() {
			loaded = "NO"
		}
		for i := range parts {
			n, id := total, 0
			if d.partition != nil {
				id, n = i+1, 0
				if i < len(counts) {
					n = counts[i]
				}
			}
			inMain, all := main, max(total, 1)
			if d.partition != nil {
				inMain = main * n / all
			}
			v.add("hanasim", 30003, t.name.Schema, t.name.Name, id, n, size*n/all, size*inMain/all, size*(n-inMain)/all, inMain, n-inMain, merged, loaded)
		}
	})
}

// admin says whether the user sees the sessions of others.
func (v *viewRows) admin() bool {
	return v.s.user.has(grant{privilege: "CATALOG READ"}) || v.s.user.has(grant{privilege: "SESSION ADMIN"})
}

func (v *viewRows) sessions(visit func(o *session)) {
	for _, o := range v.s.srv.list() {
		if o == v.s || o.user == v.s.user || v.admin() {
			o.mu.Lock()
			visit(o)
			o.mu.Unlock()
		}
	}
}

func (s *session) number() any {
	if s.tx == nil {
		return -1
	}
	return int64(s.tx.ID)
}

func viewConnections(v *viewRows) {
	v.sessions(func(o *session) {
		status := "IDLE"
		if o.text != "" {
			status = "RUNNING"
		}
		v.add("hanasim", 30003, o.id, o.number(), stampOf(o.started), status, "localhost", "127.0.0.1", int64(1), o.user.name, o == v.s, o.tx == nil, v.s.srv.options.TLS != nil)
	})
}

func viewTransactions(v *viewRows) {
	v.sessions(func(o *session) {
		status, start := "INACTIVE", any(nil)
		if o.tx != nil {
			status, start = "ACTIVE", stampOf(o.tx.started)
		}
		v.add("hanasim", 30003, o.id, o.number(), o.number(), status, "USER TRANSACTION", start, o.isolation)
	})
}

func viewContext(v *viewRows) {
	v.sessions(func(o *session) {
		for k, val := range o.vars {
			v.add("hanasim", 30003, o.id, k, val, "USER")
		}
	})
}

func viewBlocked(v *viewRows) {
	owners := make(map[*store.Tx]int64)
	var waiting []*session
	v.sessions(func(o *session) {
		if o.tx != nil {
			owners[o.tx.Tx] = o.id
			waiting = append(waiting, o)
		}
	})
	for _, o := range waiting {
		tx := o.current()
		if tx == nil {
			continue
		}
		for _, b := range tx.Blockers() {
			v.add("hanasim", 30003, o.id, owners[b], stampOf(tx.started))
		}
	}
}
