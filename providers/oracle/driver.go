// Package oracle reads from Oracle Database 12.1 or later.
//
// Rows are taken from the driver below database/sql, on sessions that this package
// pools itself, and put straight into Arrow columns. It offers a source only.
package oracle

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// engine is the driver's type.
const engine = "oracle"

// Driver describes the provider.
func Driver() providers.Driver {
	return providers.Driver{
		Type:       engine,
		Doc:        "Oracle Database 12.1 or later, as a source.",
		Source:     sourceBlock(),
		OpenSource: openSource,
	}
}

func openSource(ctx context.Context, v schema.Values, env providers.Env) (providers.Database, error) {
	db, err := open(ctx, v, env)
	if err != nil {
		return nil, err
	}
	return db, nil
}
