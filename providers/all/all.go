// Package all lists the providers that dmoctl is built with.
package all

import "github.com/dmoctl/dmoctl/providers"

// Drivers returns a description of every provider, by type.
func Drivers() []providers.Driver {
	return []providers.Driver{}
}
