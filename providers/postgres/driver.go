// Package postgres reads from and writes to PostgreSQL 14 or later.
//
// Rows travel by binary COPY both ways, decoded straight into Arrow columns and
// encoded straight into the network buffer.
package postgres

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// Driver describes the provider.
func Driver() providers.Driver {
	return providers.Driver{
		Type:       engine,
		Doc:        "PostgreSQL 14 or later, by binary COPY.",
		Source:     sourceBlock(),
		Target:     targetBlock(),
		MapTable:   mapTable,
		MapType:    mapType,
		Names:      namesOf,
		Limits:     limits(),
		OpenSource: openSource,
		OpenTarget: openTarget,
	}
}

func limits() providers.Limits {
	return providers.Limits{Identifier: maxIdentifier, Schemas: true}
}

func openSource(ctx context.Context, v schema.Values, env providers.Env) (providers.Database, error) {
	db, err := open(ctx, v, env, source)
	if err != nil {
		return nil, err
	}
	return db, nil
}

func openTarget(ctx context.Context, v schema.Values, env providers.Env) (providers.Target, error) {
	db, err := open(ctx, v, env, targetRole)
	if err != nil {
		return nil, err
	}
	return newTarget(db, v.Int("maintenance_work_mem")), nil
}
