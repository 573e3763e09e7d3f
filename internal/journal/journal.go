package journal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/dmoctl/dmoctl/internal/exportfile"
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
		err = fmt.Errorf("it claims to be entry %d", e.Number)
	}
	if err != nil {
		return Entry{}, false, &providers.Error{Kind: providers.Corrupt, Op: "read journal entry " + name, Err: err, Fix: startAgain}
	}
	return e, true, nil
}

// startAgain is the way out where a journal cannot be gone on with.
const startAgain = "Restore it. If that is not possible, empty the staging and run the command again: committed packages are kept, the rest is exported again."

// Writer appends to a journal that it owns. It is safe for concurrent use.
type Writer struct {
	staging providers.Staging
	journal string
	id      string

	lock  *semaphore.Weighted // held while an entry is written or looked for
	owner int64               // number of the owner entry
	next  int64
}

// Take reads a journal to its end into contents, then becomes its owner by an
// entry of its own. Older owners stop at their next Append. A journal of another
// hand-over is an Exists error; a missing entry is a Corrupt one. Both leave all as it is.
func Take(ctx context.Context, st providers.Staging, journal string, owner Owner) (*Writer, *Contents, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return nil, nil, fmt.Errorf("take journal: %w", err)
	}
	w := &Writer{staging: st, journal: journal, id: hex.EncodeToString(id), lock: semaphore.NewWeighted(1), next: 1}
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
		if err := ofSame(contents.Owner, owner.For); err != nil {
			return nil, nil, err
		}
		if more, err := w.atEnd(ctx); err != nil || more {
			if err != nil {
				return nil, nil, err
			}
			continue
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

// ofSame refuses a journal that belongs to another hand-over.
func ofSame(last *Owner, want HandOver) error {
	if last == nil {
		return nil
	}
	was := last.For
	var what string
	switch {
	case was.Migration != want.Migration:
		what = fmt.Sprintf("of migration %q, this is %q", was.Migration, want.Migration)
	case was.Source != want.Source:
		what = fmt.Sprintf("from another source database (%s, this is %s)", was.Source, want.Source)
	case was.Target != want.Target:
		what = fmt.Sprintf("to another target database (%s, this is %s)", was.Target, want.Target)
	default:
		return nil
	}
	return &providers.Error{Kind: providers.Exists, Op: "open journal", Err: errors.New("the staging holds a hand-over " + what),
		Fix: "Nothing in the staging was changed. Name another staging, or, if that hand-over is finished, empty this one."}
}

// atEnd makes sure that no entry is missing at the end that was read: none is behind it, and
// nothing was exported by an owner whose entry is not there. more says that the journal has grown meanwhile.
func (w *Writer) atEnd(ctx context.Context) (more bool, err error) {
	behind := ""
	for o, err := range w.staging.List(ctx, w.journal+"/") {
		if err != nil {
			return false, fmt.Errorf("list the journal: %w", err)
		}
		if o.Name > Name(w.journal, w.next) && len(o.Name) == len(Name(w.journal, w.next)) {
			behind = o.Name
		}
	}
	for o, err := range w.staging.List(ctx, "data/") {
		if err != nil {
			return false, fmt.Errorf("list exported objects: %w", err)
		}
		if owner, _, ours := exportfile.ParseObjectName(o.Name); ours && owner >= w.next {
			behind = o.Name
		}
	}
	if behind == "" {
		return false, nil
	}
	if _, ok, err := Read(ctx, w.staging, w.journal, w.next); err != nil || ok {
		return ok, err
	}
	return false, missing(Name(w.journal, w.next), behind)
}

func missing(name, behind string) error {
	return &providers.Error{
		Kind: providers.Corrupt,
		Op:   "read journal entry " + name,
		Err:  fmt.Errorf("it is missing, but %s, which is later, exists", behind),
		Fix:  startAgain,
	}
}

// Owner returns the number of the owner entry, by which objects are named.
func (w *Writer) Owner() int64 { return w.owner }

// Append writes records as one entry, durable once it returns. After an error it
// may be called again with the same records: an entry whose reply was lost is found
// and not written twice. A Fenced error says that somebody else owns the journal;
// the caller stops at once.
func (w *Writer) Append(ctx context.Context, records ...Record) error {
	if err := w.lock.Acquire(ctx, 1); err != nil {
		return err
	}
	defer w.lock.Release(1)
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
		if taken.Writer != w.id && taken.Owner < w.owner {
			// Older owners wrote nothing behind this one: entries were missing, and are back.
			return missing(Name(w.journal, w.owner), Name(w.journal, taken.Number))
		}
		if taken.Writer != w.id {
			return w.fenced(ctx, taken)
		}
		w.next++
		if reflect.DeepEqual(normal(taken.Records), normal(records)) {
			return nil
		}
		// An earlier Append had succeeded without the caller's knowing, with other records.
	}
}

// Hold fails with Fenced where somebody else has taken the journal since. It comes before
// what another owner would miss.
func (w *Writer) Hold(ctx context.Context) error {
	if err := w.lock.Acquire(ctx, 1); err != nil {
		return err
	}
	defer w.lock.Release(1)
	there, ok, err := Read(ctx, w.staging, w.journal, w.next)
	if err == nil && ok && there.Writer != w.id {
		err = w.fenced(ctx, &there)
	}
	return err
}

// normal brings records into the form in which they are read back.
func normal(records []Record) []Record {
	e, err := Entry{Number: 1, Owner: 1, Writer: "-", Records: append([]Record{{Owner: &Owner{For: HandOver{Migration: "-"}}}}, records...)}.Encode()
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
		return nil, fmt.Errorf("journal entry %d has %d bytes; the maximum is %d", e.Number, len(b), maxEntry)
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
			Err: errors.New("it exists but cannot be found")}
	}
	return &there, nil
}

// fenced names the owner that took the journal, as far as its entries say.
func (w *Writer) fenced(ctx context.Context, taken *Entry) error {
	out := &providers.Error{Kind: providers.Fenced, Op: "write journal entry " + Name(w.journal, taken.Number),
		Err: errors.New("another run owns the journal"), Fix: "Let the other run finish, or stop it and run the command again."}
	if e, ok, err := Read(ctx, w.staging, w.journal, taken.Owner); err == nil && ok && e.Records[0].Owner != nil {
		out.Owner = &e.Records[0].Owner.By
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
