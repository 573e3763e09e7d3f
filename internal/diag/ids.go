package diag

// ID names a kind of diagnostic for programs. It stays when the words change.
type ID string

// IDs of what a run ends with.
const (
	FencedRun          ID = "fenced"
	Interrupted        ID = "interrupted"
	Locked             ID = "locked"
	MissingPackages    ID = "missing-packages"
	MissingSteps       ID = "missing-steps"
	PreflightRefused   ID = "preflight-refused"
	RollbackFailed     ID = "rollback-failed"
	RowsDiffer         ID = "rows-differ"
	RunFailed          ID = "run-failed"
	SourceIsTarget     ID = "source-is-target"
	SourceNotFit       ID = "source-not-fit"
	SourceNoted        ID = "source-noted"
	StalePlan          ID = "stale-plan"
	TablesChanged      ID = "tables-changed"
	TargetNotFit       ID = "target-not-fit"
	TargetNoted        ID = "target-noted"
	UncomparedRows     ID = "uncompared-rows"
	UnknownTable       ID = "unknown-table"
	UnverifiedTables   ID = "unverified-tables"
	UnwrittenState     ID = "unwritten-state"
	VerificationFailed ID = "verification-failed"
)

// IDs of what a provider fails with, by kind.
const (
	Auth         ID = "authentication"
	Changed      ID = "changed"
	Config       ID = "config"
	Constraint   ID = "constraint"
	Corrupt      ID = "corrupt"
	Disconnected ID = "disconnected"
	Exhausted    ID = "exhausted"
	Exists       ID = "exists"
	Full         ID = "full"
	InUse        ID = "in-use"
	Internal     ID = "internal"
	NotFound     ID = "not-found"
	Permission   ID = "permission"
	SnapshotLost ID = "snapshot-lost"
	Transient    ID = "transient"
	Unreachable  ID = "unreachable"
	Unsupported  ID = "unsupported"
	Value        ID = "value"
)
