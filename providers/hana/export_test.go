package hana

import (
	"time"

	"github.com/dmoctl/dmoctl/providers"
)

// SetPatience shortens how long a run waits for package transactions of an older one.
func SetPatience(t providers.Target, d time.Duration) { t.(*target).Patience = d }
