// Package all lists the providers that dmoctl is built with.
package all

import (
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/hana"
	"github.com/dmoctl/dmoctl/providers/local"
	"github.com/dmoctl/dmoctl/providers/oracle"
	"github.com/dmoctl/dmoctl/providers/postgres"
	"github.com/dmoctl/dmoctl/providers/sqlite"
)

// Drivers returns a description of every provider, by type.
func Drivers() []providers.Driver {
	return []providers.Driver{hana.Driver(), local.Driver(), oracle.Driver(), postgres.Driver(), sqlite.Driver()}
}
