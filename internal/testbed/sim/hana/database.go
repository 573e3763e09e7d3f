package hana

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// database is what outlives sessions: users, the objects of the catalog, rows.
type database struct {
	engine  *store.Engine
	dialect *store.Dialect
	started time.Time
	version string
	name    string

	rowLimit atomic.Int64 // of a partition
	nextOID  atomic.Int64
	changes  atomic.Int64 // of the catalog; statements compiled before are compiled again

	mu        sync.RWMutex
	users     map[string]*user
	schemas   []*schema
	relations map[store.Name][]*table // tables and views share their names
	indexes   map[store.Name][]*indexDef
	sequences map[store.Name][]*sequence
	names     map[store.Name]*store.Table // held while objects of these names are made
}

// object is what a transaction makes or drops; others see that when it commits.
type object struct {
	by      *txn // made it, and has not committed
	dropped *txn // dropped it, and has not committed
}

func (o *object) visible(tx *txn) bool {
	return (o.by == nil || o.by == tx) && (o.dropped == nil || o.dropped != tx)
}

type schema struct {
	object
	name, owner string
}

// table is a table or a view. Its definition is replaced as a whole.
type table struct {
	object
	name    store.Name
	oid     int64
	view    *viewDef
	rows    *store.Table
	mu      sync.Mutex
	def     *tableDef
	pending *tableDef // of the transaction that alters it
	alterer *txn

	created   time.Time
	merged    atomic.Int64 // rows in main after the last delta merge
	mergeTime atomic.Int64 // Unix seconds; 0: never
	loaded    atomic.Bool
}

type viewDef struct {
	text  string
	query *store.Select
	cols  []store.Column
}

// tableDef is a table's structure. It is never changed in place.
type tableDef struct {
	columns     []column
	primary     []int // positions of the primary key's columns
	primaryName string
	uniques     []unique
	foreign     []foreignKey
	checks      []check
	indexes     []*indexDef
	columnStore bool
	autoMerge   bool
	comment     string
	group       [3]string // type, subtype, name
	partition   *partitioning
	triggers    []trigger
}

// trigger is shown and never fires: who loads into a table has to look for it.
type trigger struct {
	name  store.Name
	event string
	oid   int64
}

type column struct {
	name      string
	typ       store.Type // NotNull says whether NULL is refused
	id        int64
	def       store.Expr // DEFAULT
	defText   string
	hasDef    bool
	identity  *sequence
	always    bool // GENERATED ALWAYS AS IDENTITY
	generated store.Expr
	genText   string
	comment   string
}

type unique struct {
	name    string
	columns []int
}

type foreignKey struct {
	name     string
	columns  []int
	parent   store.Name
	refs     []string
	onUpdate string
	onDelete string
	deferred bool
}

type check struct {
	name string
	text string
	expr store.Expr
}

type indexDef struct {
	object
	name   store.Name
	table  *table
	cols   []indexColumn
	unique bool
	oid    int64
}

type indexColumn struct {
	position int
	desc     bool
}

type sequence struct {
	object
	name             store.Name
	oid              int64
	mu               sync.Mutex
	start, increment int64
	min, max         int64
	cycle            bool
	cache            int64
	next             int64
	used             bool
	exhausted        bool
	identity         bool
}

// user is a login.
type user struct {
	name string
	salt []byte
	keys map[string][]byte // salted password by method

	mu     sync.Mutex
	grants map[grant]bool
}

// grant is one privilege; Schema and Object are "" for system privileges.
type grant struct{ privilege, schema, object string }

func newDatabase(o *Options) (*database, error) {
	db := &database{engine: store.NewEngine(), dialect: newDialect(), started: time.Now().UTC(), version: o.Version, name: o.Database,
		users: make(map[string]*user), relations: make(map[store.Name][]*table), indexes: make(map[store.Name][]*indexDef),
		sequences: make(map[store.Name][]*sequence)}
	db.rowLimit.Store(maxRows)
	db.nextOID.Store(150000)
	for _, name := range []string{"SYS", "_SYS_STATISTICS", "PUBLIC"} {
		db.schemas = append(db.schemas, &schema{name: name, owner: "SYS"})
	}
	_, err := db.addUser(o.User, o.Password)
	if err != nil {
		return nil, err
	}
	for _, p := range systemPrivileges {
		db.users[o.User].grants[grant{privilege: p}] = true
	}
	return db, nil
}

// maxRows is the highest number of rows of a partition ("System Limitations";
// error 2055).
const maxRows = 2100000000

func (db *database) addUser(name, password string) (*user, error) {
	u := &user{name: name, salt: make([]byte, saltSize), keys: make(map[string][]byte), grants: make(map[grant]bool)}
	if _, err := rand.Read(u.salt); err != nil {
		return nil, err
	}
	for _, m := range []string{SCRAMSHA256, SCRAMPBKDF2SHA256} {
		key, err := salted(m, password, u.salt)
		if err != nil {
			return nil, err
		}
		u.keys[m] = key
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.users[name] != nil {
		return nil, &Error{Code: 331, Text: "user name already exists: " + name}
	}
	db.users[name] = u
	db.schemas = append(db.schemas, &schema{name: name, owner: name})
	return u, nil
}

// user finds a login; names are folded to upper case as those of statements are.
func (db *database) user(name string) *user {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if u := db.users[name]; u != nil {
		return u
	}
	return db.users[strings.ToUpper(name)]
}

func (db *database) schema(tx *txn, name string) *schema {
	db.mu.RLock()
	defer db.mu.RUnlock()
	for _, s := range db.schemas {
		if s.name == name && s.visible(tx) {
			return s
		}
	}
	return nil
}

// relation finds a table or view.
func (db *database) relation(tx *txn, name store.Name) *table {
	name.Pos = 0
	db.mu.RLock()
	defer db.mu.RUnlock()
	for _, t := range db.relations[name] {
		if t.visible(tx) {
			return t
		}
	}
	return nil
}

// relationsOf lists what a transaction sees, by name.
func (db *database) relationsOf(tx *txn) []*table {
	db.mu.RLock()
	defer db.mu.RUnlock()
	var out []*table
	for _, list := range db.relations {
		for _, t := range list {
			if t.visible(tx) {
				out = append(out, t)
			}
		}
	}
	slices.SortFunc(out, func(a, b *table) int { return compareNames(a.name, b.name) })
	return out
}

func compareNames(a, b store.Name) int {
	if c := strings.Compare(a.Schema, b.Schema); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

func (db *database) sequence(tx *txn, name store.Name) *sequence {
	name.Pos = 0
	db.mu.RLock()
	defer db.mu.RUnlock()
	for _, q := range db.sequences[name] {
		if q.visible(tx) {
			return q
		}
	}
	return nil
}

func (db *database) index(tx *txn, name store.Name) *indexDef {
	name.Pos = 0
	db.mu.RLock()
	defer db.mu.RUnlock()
	for _, x := range db.indexes[name] {
		if x.visible(tx) {
			return x
		}
	}
	return nil
}

// structure is the definition that a transaction sees.
func (t *table) structure(tx *txn) *tableDef {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending != nil && t.alterer == tx {
		return t.pending
	}
	return t.def
}

// alter puts a new definition in place for a transaction.
func (t *table) alter(tx *txn, change func(d *tableDef)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.pending
	base := t.def
	if old != nil && t.alterer == tx {
		base = old
	}
	d := *base
	d.columns = slices.Clone(base.columns)
	d.uniques = slices.Clone(base.uniques)
	d.foreign = slices.Clone(base.foreign)
	d.checks = slices.Clone(base.checks)
	d.indexes = slices.Clone(base.indexes)
	change(&d)
	t.pending, t.alterer = &d, tx
	tx.onEnd(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.alterer == tx {
			t.def, t.pending, t.alterer = t.pending, nil, nil
		}
	}, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.pending = old
		if old == nil {
			t.alterer = nil
		}
	})
}

func (d *tableDef) position(name string) int {
	return slices.IndexFunc(d.columns, func(c column) bool { return c.name == name })
}

// relationOf is what the compiler sees of a table.
func (t *table) relationOf(tx *txn) *store.Relation {
	if t.view != nil {
		return &store.Relation{Schema: t.name.Schema, Name: t.name.Name, Columns: t.view.cols, Query: t.view.query}
	}
	d := t.structure(tx)
	r := &store.Relation{Schema: t.name.Schema, Name: t.name.Name, Table: t.rows, Columns: make([]store.Column, len(d.columns)),
		Pseudo: map[string]store.PseudoColumn{slotColumn: {Type: typeNamed("BIGINT"), Value: func(h store.Hit) store.Value { return store.IntValue(int64(h.Slot)) }}}}
	for i, c := range d.columns {
		r.Columns[i] = store.Column{Name: c.name, Type: c.typ}
	}
	return r
}

// slotColumn is a pseudo-column by which changes and locks find their rows; no
// identifier of a statement can spell it.
const slotColumn = "$slot"
