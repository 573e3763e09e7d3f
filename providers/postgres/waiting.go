package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	silence  = 2500 * time.Millisecond // without an answer, after which it is asked who is in the way
	sayAgain = 30 * time.Second        // until the same is said again
)

// watcher says whom the sessions of a database wait for: a statement behind the lock of
// another run, or of anybody else, looks like one that works. It is safe for concurrent use.
type watcher struct {
	db  *database
	say func(what string)

	mu       sync.Mutex
	sessions map[*session]bool
	said     map[string]time.Time
	own      *session // asks; opened when there is something to ask
	end      context.CancelFunc
	ended    chan struct{}
}

// watchWaits starts a watcher; nil where nobody listens.
func watchWaits(db *database, say func(string)) *watcher {
	if say == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{db: db, say: say, sessions: map[*session]bool{}, said: map[string]time.Time{}, end: cancel, ended: make(chan struct{})}
	go w.run(ctx)
	return w
}

func (w *watcher) run(ctx context.Context) {
	defer close(w.ended)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if w.own != nil {
				w.own.close()
			}
			return
		case <-tick.C:
		}
		if waiting := w.waiting(); len(waiting) > 0 {
			w.ask(ctx, waiting)
		}
	}
}

// add makes a session known; it is forgotten when it is closed.
func (w *watcher) add(s *session) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[s] = true
	s.closed = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.sessions, s)
	}
}

// waiting returns the process ids of the sessions that the server has not answered for a while.
func (w *watcher) waiting() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for s := range w.sessions {
		if since := s.wire.since.Load(); since > 0 && time.Since(time.Unix(0, since)) > silence {
			out = append(out, formatInt(int64(s.pg.PID())))
		}
	}
	return out
}

func (w *watcher) close() {
	if w != nil {
		w.end()
		<-w.ended
	}
}

// blockersSQL: $1 process ids. A prepared transaction blocks as process 0. Of a statement
// only the kind is asked for: it may hold anybody's data.
const blockersSQL = `
SELECT b.pid, a.application_name, a.usename, coalesce(host(a.client_addr), 'local'), to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS'),
  upper(substring(ltrim(a.query) FROM '^[A-Za-z]+(?:\s+[A-Za-z]+)?')), a.state,
  (SELECT min(l.relation::regclass::text) FROM pg_locks l WHERE l.pid = w.pid AND NOT l.granted AND l.relation IS NOT NULL
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
FROM unnest($1::int[]) w(pid) CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) b(pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid`

// ask finds out who is in the way, and says so. What cannot be found out is asked again.
func (w *watcher) ask(ctx context.Context, waiting []string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if w.own == nil || !w.own.idle() {
		s, err := dial(ctx, w.db.cfg)
		if err != nil {
			return
		}
		w.own = s
		if w.db.pin(ctx, s) != nil {
			return
		}
	}
	ours := w.pids()
	err := w.own.query(ctx, "find the blocking session", blockersSQL, []string{"{" + strings.Join(waiting, ",") + "}"}, func(r row) error {
		if !slices.Contains(ours, r.text(0)) { // our own sessions end what they do
			w.tell(r.text(0), blocker(r))
		}
		return nil
	})
	if err != nil {
		w.own.close()
		w.own = nil
	}
}

func (w *watcher) pids() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for s := range w.sessions {
		out = append(out, formatInt(int64(s.pg.PID())))
	}
	return out
}

// tell says one thing at once, and again only after a while.
func (w *watcher) tell(who, what string) {
	if time.Since(w.said[who]) < sayAgain {
		return
	}
	w.said[who] = time.Now()
	w.say(what)
}

// blocker describes a row of blockersSQL.
func blocker(r row) string {
	if r.text(0) == "0" {
		return "for a prepared transaction to be committed or rolled back" + of(r)
	}
	text := "for session " + r.text(0)
	if !r.null(1) && r.text(1) != "" {
		text += fmt.Sprintf(" of %q", r.text(1))
	}
	if !r.null(2) {
		text += fmt.Sprintf(" (user %s, from %s)", r.text(2), r.text(3))
	}
	text += " to release its lock" + of(r)
	if !r.null(4) {
		text += "; its transaction has been open since " + r.text(4)
	}
	switch {
	case !r.null(6) && strings.HasPrefix(r.text(6), "idle"):
		text += " and is idle"
	case !r.null(5):
		text += " and runs " + r.text(5)
	}
	return text
}

func of(r row) string {
	if r.null(7) {
		return ""
	}
	return " on " + r.text(7)
}
