package providers

import (
	"context"
	"fmt"
)

// Marker is a Database of an engine that is source and target. Names, addresses and paths do
// not tell whether two of them are one: a mark that one leaves and the other shows does.
type Marker interface {
	// Mark makes what only this database shows; remove takes it away again. An empty mark is shown by none.
	Mark(ctx context.Context) (mark string, remove func(), err error)
	// Shows says whether a mark of the same engine was made on this database, or on the one
	// that it is a replica of.
	Shows(ctx context.Context, mark string) (bool, error)
}

// Same says whether source and target are one database. Those of two engines never are.
func Same(ctx context.Context, source, target Database) (bool, error) {
	from, ok := source.(Marker)
	to, both := target.(Marker)
	if !ok || !both {
		return false, nil
	}
	mark, remove, err := to.Mark(ctx)
	if err != nil {
		return false, fmt.Errorf("mark the target: %w", err)
	}
	defer remove()
	if mark == "" {
		return false, nil
	}
	return from.Shows(ctx, mark)
}
