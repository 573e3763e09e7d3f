package control_test

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/providers"
)

func TestGroupRecoversPanics(t *testing.T) {
	group, ctx := control.NewGroup(t.Context(), 1)
	group.Go(func() error { panic("4111 1111 1111 1111") })
	group.Go(func() error {
		<-ctx.Done()
		return nil
	})
	err := group.Wait()
	if providers.KindOf(err) != providers.Internal || strings.Contains(err.Error(), "4111") {
		t.Errorf("%v, want an internal error without the panic's value", err)
	}
}
