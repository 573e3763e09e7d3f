package oracle

import (
	"strings"
	"testing"
)

func TestPinnedParameterOrder(t *testing.T) {
	at := make(map[string]int)
	for i, p := range pinnedParameters() {
		if p.why == "" || at[p.name] > 0 {
			t.Errorf("%s has no reason, or stands twice", p.name)
		}
		at[p.name] = i + 1
	}
	for name, i := range at {
		if strings.HasPrefix(name, "NLS_") && i > 2 && (at["NLS_LANGUAGE"] > 2 || at["NLS_TERRITORY"] > 2) {
			t.Errorf("%s is set before what would set it back", name)
		}
	}
	if at["TIME_ZONE"] != len(at) {
		t.Error("TIME_ZONE is not the last: it is set by a statement of its own")
	}
}
