package objects_test

import (
	"testing"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers/objects"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

func TestStaging(t *testing.T) {
	providertest.Staging(t, providertest.StagingHarness{Driver: objects.Driver(), New: func(testing.TB) schema.Values {
		return schema.Values{objects.ArgStore: objects.NewStore()}
	}})
}
