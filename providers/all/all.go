// Package all lists the providers that dmoctl is built with.
package all

import (
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/sqlite"
)

// Drivers returns a description of every provider, by type.
func Drivers() []providers.Driver {
	return []providers.Driver{
		sqlite.Driver(),
	}
}
