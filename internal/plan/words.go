package plan

import "slices"

// Mode says how rows travel.
type Mode string

// Modes.
const (
	Pipe Mode = "pipe" // straight from reader to writer
	File Mode = "file" // as export files in a staging
)

// Modes returns all of them.
func Modes() []Mode { return []Mode{Pipe, File} }

// Compression is the zstd level of export files.
type Compression string

// Levels of compression.
const (
	Fastest            Compression = "fastest"
	DefaultCompression Compression = "default"
	Better             Compression = "better"
	Best               Compression = "best"
)

// Compressions returns all of them, the fastest first.
func Compressions() []Compression {
	return []Compression{Fastest, DefaultCompression, Better, Best}
}

// Retain says how long objects stay in the staging.
type Retain string

// How long objects stay.
const (
	RetainImported Retain = "until_imported"
	RetainVerified Retain = "until_verified"
	RetainAlways   Retain = "always"
)

// Retains returns all of them, the shortest first.
func Retains() []Retain { return []Retain{RetainImported, RetainVerified, RetainAlways} }

// Existing says what becomes of tables of the plan that the target has already.
type Existing string

// What becomes of tables that are there.
const (
	ExistingRefuse   Existing = "require-empty" // the plan is refused
	ExistingLoad     Existing = "load"          // rows go into them; they hold none
	ExistingRecreate Existing = "recreate"      // they are dropped and made
)

// Existings returns all of them, the safest first.
func Existings() []Existing { return []Existing{ExistingRefuse, ExistingLoad, ExistingRecreate} }

// Action is what becomes of a Table.
type Action string

// Actions.
const (
	Copy      Action = "copy"      // nothing of it is loaded
	Resume    Action = "resume"    // some packages are loaded, the rest is copied
	Restart   Action = "restart"   // incomplete, its snapshot is lost: emptied, then copied
	Reload    Action = "reload"    // emptied, then copied, for Reason
	Structure Action = "structure" // made without rows
	Keep      Action = "keep"      // unchanged
	Forget    Action = "forget"    // vanished from source or spec: the ledger's rows go, the target's table stays
)

// Copies says whether rows of the table are to be copied.
func (a Action) Copies() bool { return a == Copy || a == Resume || a == Restart || a == Reload }

// Level is how thoroughly a table is verified.
type Level string

// Levels of verification.
const (
	LevelNone    Level = "none"
	LevelCount   Level = "count"
	LevelContent Level = "content"
)

// Levels returns all of them, the least first.
func Levels() []Level { return []Level{LevelNone, LevelCount, LevelContent} }

// Rule is what an Exception excuses.
type Rule string

// Rules.
const (
	IgnoreCount  Rule = "igncount"       // another number of rows
	IgnoreLarger Rule = "ignlargercount" // more rows on the target
)

// Rules returns all of them.
func Rules() []Rule { return []Rule{IgnoreCount, IgnoreLarger} }

// Excuses says whether the rule allows these numbers of rows.
func (r Rule) Excuses(source, target int64) bool {
	return r == IgnoreCount || r == IgnoreLarger && target > source
}

// Phase is a part of the run. Its steps are begun once those of the phases before it have ended,
// as far as they need each other.
type Phase string

// Phases.
const (
	Preflight   Phase = "preflight"
	Structures  Phase = "structures"
	Uptime      Phase = "uptime"
	Downtime    Phase = "downtime"
	Finalize    Phase = "finalize"
	Verify      Phase = "verify"
	Postprocess Phase = "postprocess"
)

// Phases returns the phases in order.
func Phases() []Phase {
	return []Phase{Preflight, Structures, Uptime, Downtime, Finalize, Verify, Postprocess}
}

// Rank is the phase's place in the order, -1 for what is none.
func (p Phase) Rank() int { return slices.Index(Phases(), p) }

// Within says whether the phase is part of a run that stops after another; "" stops nowhere.
func (p Phase) Within(until Phase) bool { return until == "" || p.Rank() <= until.Rank() }

// Kind is what a Step does.
type Kind string

// ID is the id of a step of the kind: one that is about what is named, "" of the only one.
func (k Kind) ID(of string) string {
	if of == "" {
		return string(k)
	}
	return string(k) + "/" + of
}

// Kinds of a Step.
const (
	StepSchemas        Kind = "schemas"          // schemas, types, sequences
	StepDrop           Kind = "drop"             // tables that are made again
	StepCreate         Kind = "create"           // tables
	StepDropForeignKey Kind = "drop-foreign-key" // of tables that were there; StepForeignKey makes them again
	StepEmpty          Kind = "empty"            // reload or restart
	StepCopy           Kind = "copy"             // one package, or a bundle of small ones
	StepKey            Kind = "key"              // primary keys and unique constraints of tables
	StepIndex          Kind = "index"            // one big index, or all indexes of small tables
	StepForeignKey     Kind = "foreign-key"
	StepSequence       Kind = "sequence" // identities and sequences, only ever raised
	StepForget         Kind = "forget"
	StepVerify         Kind = "verify"
	StepClose          Kind = "close" // report, staging per retain, migration recorded as done
)
