package journal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// maxEntry bounds an entry, in bytes.
const maxEntry = 256 << 20

// Read returns entry number of a journal. ok is false where it does not exist
// yet, which is how a reader sees the end.
func Read(ctx context.Context, st providers.Staging, journal string, number int64) (e Entry, ok bool, err error) {
	name := Name(journal, number)
	r, err := st.Open(ctx, name, 0, -1)
	if err != nil && providers.KindOf(err) == providers.NotFound {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, fmt.Errorf("read journal entry %s: %w", name, err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxEntry+1))
	if err != nil {
		return Entry{}, false, fmt.Errorf("read journal entry %s: %w", name, err)
	}
	e, err = Decode(b)
	if err == nil && e.Number != number {
		err = fmt.Errorf("it says that it is entry %d", e.Number)
	}
	if err != nil {
		return Entry{}, false, &providers.Error{Kind: providers.Corrupt, Op: "read journal entry " + name, Err: err}
	}
	return e, true, nil
}

// Writer appends to a journal that it owns. It is safe for concurrent use.
type Writer struct {
	staging providers.Staging
	journal string
	id      string

	mu    sync.Mutex
	owner int64 // number of the owner entry
	next  int64
}

// Take reads a journal to its end into contents, then becomes its owner by an
// entry of its own. Older owners stop at their next Append.
func Take(ctx context.Context, st providers.Staging, journal string, owner ledger.Owner) (*Writer, *Contents, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return nil, nil, fmt.Errorf("take journal: %w", err)
	}
	w := &Writer{staging: st, journal: journal, id: hex.EncodeToString(id), next: 1}
	contents := NewContents()
	for {
		e, ok, err := Read(ctx, st, journal, w.next)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			contents.Add(e)
			w.next++
			continue
		}
		if missing, err := w.missing(ctx); err != nil || missing {
			if err == nil {
				err = w.gap(ctx)
			}
			if err != nil {
				return nil, nil, err
			}
			continue // it is there by now
		}
		// Only here is another's number no loss: whoever comes last owns the journal.
		e = w.entry(Record{Owner: &owner})
		e.Owner = e.Number
		taken, err := w.create(ctx, e)
		if err != nil {
			return nil, nil, err
		}
		if taken == nil {
			contents.Add(e)
			w.owner, w.next = e.Number, e.Number+1
			return w, contents, nil
		}
	}
}

// missing says whether there are entries behind the next one.
func (w *Writer) missing(ctx context.Context) (bool, error) {
	for o, err := range w.staging.List(ctx, w.journal+"/") {
		if err != nil {
			return false, fmt.Errorf("list journal entries: %w", err)
		}
		if o.Name > Name(w.journal, w.next) {
			return true, nil
		}
	}
	return false, nil
}

// gap is the error of an entry that is missing, unless somebody has written it since: an owner
// entry in its place would make the entries behind it look like those of another run.
func (w *Writer) gap(ctx context.Context) error {
	name := Name(w.journal, w.next)
	if _, there, err := Read(ctx, w.staging, w.journal, w.next); err != nil || there {
		return err
	}
	return &providers.Error{Kind: providers.Corrupt, Op: "read journal entry " + name, Err: errors.New("it is missing, and there are later ones"),
		Fix: "Restore it from a copy; or run dmoctl rollback --empty-target, name an empty staging, and apply again."}
}

// Owner returns the number of the owner entry, by which objects are named.
func (w *Writer) Owner() int64 { return w.owner }

// Append writes records as one entry, durable once it returns. After an error it
// may be called again with the same records: an entry whose reply was lost is found
// and not written twice. A Deposed error says that somebody else owns the journal;
// the caller stops at once.
func (w *Writer) Append(ctx context.Context, records ...Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		e := w.entry(records...)
		taken, err := w.create(ctx, e)
		if err != nil {
			return err
		}
		if taken == nil {
			w.next++
			return nil
		}
		if taken.Writer != w.id {
			return w.deposed(ctx, taken)
		}
		w.next++
		if reflect.DeepEqual(normal(taken.Records), normal(records)) {
			return nil
		}
		// An earlier Append had succeeded without the caller's knowing, with other records.
	}
}

// normal brings records into the form in which they are read back.
func normal(records []Record) []Record {
	e, err := Entry{Number: 1, Owner: 1, Writer: "-", Records: append([]Record{{Owner: &ledger.Owner{}}}, records...)}.Encode()
	if err != nil {
		return records
	}
	back, err := Decode(e)
	if err != nil {
		return records
	}
	return back.Records
}

func (w *Writer) entry(records ...Record) Entry {
	return Entry{Format: Format, Number: w.next, Writer: w.id, Owner: w.owner, At: time.Now().UTC(), Records: records}
}

// create makes one entry. Where its number is taken, it returns what is there.
func (w *Writer) create(ctx context.Context, e Entry) (taken *Entry, err error) {
	b, err := e.Encode()
	if err != nil {
		return nil, err
	}
	if len(b) > maxEntry {
		return nil, fmt.Errorf("journal entry %d has %d bytes, more than an entry may have (%d)", e.Number, len(b), maxEntry)
	}
	err = put(ctx, w.staging, Name(w.journal, e.Number), b)
	switch {
	case err == nil:
		return nil, nil
	case providers.KindOf(err) != providers.Exists:
		return nil, fmt.Errorf("write journal entry %d: %w", e.Number, err)
	}
	there, ok, err := Read(ctx, w.staging, w.journal, e.Number)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &providers.Error{Kind: providers.Corrupt, Op: "write journal entry " + Name(w.journal, e.Number),
			Err: errors.New("it exists and cannot be found")}
	}
	return &there, nil
}

// deposed names the owner that took the journal, as far as its entries say.
func (w *Writer) deposed(ctx context.Context, taken *Entry) error {
	out := &providers.Error{Kind: providers.Deposed, Op: "write journal entry " + Name(w.journal, taken.Number),
		Err: errors.New("another run owns the journal"), Fix: "Let the other run finish, or stop it and run the command again."}
	if e, ok, err := Read(ctx, w.staging, w.journal, taken.Owner); err == nil && ok {
		out.Owner = e.Records[0].Owner
	}
	return out
}

func put(ctx context.Context, st providers.Staging, name string, b []byte) (err error) {
	o, err := st.Create(ctx, name)
	if err != nil {
		return err
	}
	defer func() {
		if abort := o.Abort(); err == nil {
			err = abort
		}
	}()
	if _, err := o.Write(b); err != nil {
		return err
	}
	return o.Commit(ctx)
}
