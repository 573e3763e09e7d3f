// Package hana loads SAP HANA 2.0 or later, and reads it back for verification.
//
// It speaks through SAP/go-hdb, one level below database/sql: that package sends a
// statement again whose answer was lost, and a load must never do that.
package hana

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

const engine = "hana"

// Driver describes the provider. It is not a source.
func Driver() providers.Driver {
	return providers.Driver{
		Type:       engine,
		Doc:        "SAP HANA 2.0 or later, as a target.",
		Target:     targetBlock(),
		MapTable:   mapTable,
		Names:      namesOf,
		Limits:     limits(),
		OpenTarget: openTarget,
	}
}

// limits: the primary key comes with the table, as HANA stores by it; other keys,
// indexes and foreign keys after the load, so these are not InlineKeys.
func limits() providers.Limits {
	return providers.Limits{Identifier: maxIdentifier, Schemas: true}
}

func openTarget(ctx context.Context, v schema.Values, env providers.Env) (providers.Target, error) {
	db, err := open(ctx, v, env)
	if err != nil {
		return nil, err
	}
	placements, err := parsePlacements(v)
	if err != nil {
		return nil, err
	}
	return newTarget(db, placements), nil
}
