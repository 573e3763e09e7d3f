// Package sqlite is the provider for SQLite database files, as source and as target.
//
// It talks to SQLite through zombiezen.com/go/sqlite's statements, without
// database/sql: a scan allocates nothing a row. Names have no schemas.
package sqlite

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// engine is the driver's type, in catalogs and in Native types.
const engine = "sqlite"

// Driver describes the provider.
func Driver() providers.Driver {
	path := schema.Attr{
		Name: "path", Kind: schema.String, Required: true, Connection: true, Example: "erp.db",
		Doc: "Database file. A relative path starts at the spec's directory.",
	}
	return providers.Driver{
		Type: engine,
		Doc:  "SQLite database files.",
		Source: schema.Block{Attrs: []schema.Attr{path, {
			Name: "consistency", Kind: schema.String, Default: string(desired.Snapshot), Choices: schema.Words(desired.Consistencies()),
			Doc: "snapshot: the whole run reads one snapshot. quiet: nobody writes; checked by counts and change counters.",
		}}},
		Target: schema.Block{Attrs: []schema.Attr{path, {
			Name: "existing", Kind: schema.String, Default: string(plan.ExistingRefuse), Choices: schema.Words(plan.Existings()),
			Doc: "require-empty: no table of the plan exists. load: into tables that exist, after comparing structures. recreate: drop them first.",
		}}},
		MapTable:   mapTable,
		Names:      namesOf,
		Limits:     limits(),
		OpenSource: openSource,
		OpenTarget: openTarget,
	}
}

func limits() providers.Limits {
	return providers.Limits{Writers: 1, InlineKeys: true, IgnoreCase: true, TextIDs: true}
}

func openSource(ctx context.Context, v schema.Values, env providers.Env) (providers.Database, error) {
	d, err := newDatabase(v, env)
	if err != nil {
		return nil, err
	}
	d.snapshots = desired.Consistency(v.String("consistency")) != desired.Quiet
	if err := d.check(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

func openTarget(ctx context.Context, v schema.Values, env providers.Env) (providers.Target, error) {
	d, err := newDatabase(v, env)
	if err != nil {
		return nil, err
	}
	d.optional = true
	if err := d.check(ctx); err != nil {
		return nil, err
	}
	return newTarget(d), nil
}
