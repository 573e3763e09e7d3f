package engine

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// Config is what a DB is made of.
type Config struct {
	Charset         value.Charset // AL32UTF8 or CESU8
	ExtendedStrings bool          // MAX_STRING_SIZE=EXTENDED: 32767 bytes instead of 4000
	LongNames       bool          // identifiers of 128 bytes instead of 30
	Version         string        // as 19.0.0.0.0
	Name            string        // DB_UNIQUE_NAME
}

// DB is a database.
type DB struct {
	Config
	mu        sync.RWMutex
	scn       uint64
	commits   []commitTime // one a commit, for TIMESTAMP_TO_SCN
	undoFrom  uint64       // versions that ended before are gone
	txs       uint64
	open      map[*tx]*Session
	sessions  map[*Session]bool
	nextID    uint32
	sids      int // the newest session
	space     *space
	users     map[string]*user
	objects   map[qname]*object // tables, views, sequences, ...: one name space
	indexes   map[qname]*Index
	triggers  map[qname]*trigger
	started   time.Time
	constName int
	functions map[string]*function
	syntax    *store.Dialect
	views     map[string]*catalogView
}

type qname struct{ owner, name string }

// user is a schema and its rights.
type user struct {
	name       string
	password   string
	id         int
	privileges map[string]bool           // system privileges and roles
	grants     map[qname]map[string]bool // on objects
	locked     bool
}

// object is what has a name: exactly one of the pointers is set, or none of what has only a text.
type object struct {
	qname
	kind    string // as OBJECT_TYPE
	id      uint32
	created time.Time
	ddl     time.Time
	table   *Table
	view    *view
	seq     *sequence
	text    string
}

type trigger struct {
	qname
	table  qname
	status string
	id     uint32
}

type view struct {
	text string
	cols []string
}

type sequence struct {
	min, max, step value.Dec
	cycle          bool
	cache          int
	next           value.Dec
	last           value.Dec // LAST_NUMBER: with what is cached
}

// Open makes a database with the user SYS, whose password is sys.
func Open(c Config) *DB {
	if c.Version == "" {
		c.Version = "19.0.0.0.0"
	}
	if c.Name == "" {
		c.Name = "ORCL"
	}
	db := &DB{Config: c, scn: 1_000_000, nextID: 70_000, sids: 100, space: newSpace(), started: now(),
		open: make(map[*tx]*Session), sessions: make(map[*Session]bool), users: make(map[string]*user),
		objects: make(map[qname]*object), indexes: make(map[qname]*Index), triggers: make(map[qname]*trigger)}
	db.functions, db.syntax, db.views = functions(), db.dialect(), catalogViews()
	db.CreateUser("SYS", "sys", "DBA", "SELECT_CATALOG_ROLE")
	return db
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// CreateUser makes a user, or changes password and privileges of one. Privileges are system privileges
// and roles, as GRANT names them.
func (db *DB) CreateUser(name, password string, privileges ...string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	u := db.users[name]
	if u == nil {
		u = &user{name: name, id: 100 + len(db.users), grants: make(map[qname]map[string]bool)}
		db.users[name] = u
	}
	u.password, u.privileges = password, make(map[string]bool)
	for _, p := range privileges {
		u.privileges[strings.ToUpper(p)] = true
	}
}

// Password of a user whose name was sent as it is or, unless quoted, in any case.
func (db *DB) Password(name string) (string, bool) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	u := db.users[UserName(name)]
	if u == nil {
		return "", false
	}
	return u.password, true
}

// UserName folds a name as a login sends it.
func UserName(name string) string {
	if len(name) > 1 && name[0] == '"' && name[len(name)-1] == '"' {
		return name[1 : len(name)-1]
	}
	return strings.ToUpper(name)
}

// SCN is the number of the newest commit.
func (db *DB) SCN() uint64 {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.scn
}

// ForgetUndo lets the undo of everything that was committed so far be overwritten: queries that need
// it end with ORA-01555.
func (db *DB) ForgetUndo() {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.undoFrom = db.scn + 1
	db.scn++
}

// commitTime is when an SCN was given.
type commitTime struct {
	at  time.Time
	scn uint64
}

// advance gives the next SCN.
func (db *DB) advance() {
	db.scn++
	db.commits = append(db.commits, commitTime{now(), db.scn})
}

func (db *DB) id() uint32 {
	db.nextID++
	return db.nextID
}

// maxName is how many bytes an identifier may have.
func (db *DB) maxName() int {
	if db.LongNames {
		return 128
	}
	return 30
}

func (db *DB) maxText() int {
	if db.ExtendedStrings {
		return 32767
	}
	return 4000
}

// has says whether a user has one of the privileges; the owner of everything has all.
func (u *user) has(privileges ...string) bool {
	if u.privileges["DBA"] {
		return true
	}
	for _, p := range privileges {
		if u.privileges[p] {
			return true
		}
	}
	return false
}

// may says whether a user has a right on an object.
func (u *user) may(right string, o *object) bool {
	if u.name == o.owner || u.has(right+" ANY TABLE") {
		return true
	}
	if o.kind == "SEQUENCE" && u.has("SELECT ANY SEQUENCE") {
		return true
	}
	g := u.grants[o.qname]
	return g[right] || g["ALL"] || right == "SELECT" && (g["READ"] || u.has("READ ANY TABLE"))
}

// sees says whether ALL_ views show an object.
func (u *user) sees(o *object) bool {
	return u.name == o.owner || u.has("SELECT ANY TABLE", "READ ANY TABLE", "SELECT ANY DICTIONARY") || len(u.grants[o.qname]) > 0
}

// dictionary says whether DBA_ and V$ views are there for a user.
func (u *user) dictionary() bool {
	return u.has("SELECT_CATALOG_ROLE", "SELECT ANY DICTIONARY")
}

// sorted returns the objects of some kinds, ordered by owner and name; none is all.
func (db *DB) sorted(kinds ...string) []*object {
	var out []*object
	for _, o := range db.objects {
		ok := len(kinds) == 0
		for _, k := range kinds {
			ok = ok || o.kind == k
		}
		if ok {
			out = append(out, o)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].owner < out[j].owner || out[i].owner == out[j].owner && out[i].name < out[j].name
	})
	return out
}

// tables returns all tables, ordered.
func (db *DB) tables() []*Table {
	var out []*Table
	for _, o := range db.sorted() {
		if o.table != nil {
			out = append(out, o.table)
		}
	}
	return out
}

// sortedIndexes returns all indexes, ordered by table and name.
func (db *DB) sortedIndexes() []*Index {
	var out []*Index
	for _, x := range db.indexes {
		out = append(out, x)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.table.qname != b.table.qname {
			return a.table.owner < b.table.owner || a.table.owner == b.table.owner && a.table.name < b.table.name
		}
		return a.name < b.name
	})
	return out
}

// find looks an object up that a user may know of; else it is ORA-00942.
func (db *DB) find(u *user, n qname, pos int) (*object, error) {
	o := db.objects[n]
	if o == nil || !u.sees(o) {
		return nil, ora.At(pos, 942, "table or view does not exist")
	}
	return o, nil
}

// add puts an object into the name space.
func (db *DB) add(kind string, n qname) (*object, error) {
	if db.objects[n] != nil {
		return nil, ora.Errorf(955, "name is already used by an existing object")
	}
	o := &object{qname: n, kind: kind, id: db.id(), created: now(), ddl: now()}
	db.objects[n] = o
	return o, nil
}

// systemName makes a name as the server does: SYS_C0070001.
func (db *DB) systemName(prefix string) string {
	db.constName++
	return fmt.Sprintf("SYS_%s%07d", prefix, 70000+db.constName)
}
