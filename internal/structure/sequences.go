package structure

import (
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Sequences says how the target's sequences that no column owns differ from those wanted.
func Sequences(want, have []catalog.Sequence) []Difference {
	var same catalog.Comparison
	byName := make(map[catalog.Name]*catalog.Sequence, len(have))
	for i := range have {
		byName[have[i].Name] = &have[i]
	}
	var out []Difference
	for _, w := range want {
		h := byName[w.Name]
		d := Difference{Part: FreeSequence, Name: w.Name.String(), Wanted: describeSequence(w)}
		switch {
		case h == nil:
			d.Kind = Missing
			out = append(out, d)
			continue
		case !same.SameSequence(w, *h):
			d.Kind, d.Found = Different, describeSequence(*h)
			out = append(out, d)
		}
		if d, behind := position(w, *h); behind {
			d.Name = w.Name.String()
			out = append(out, d)
		}
	}
	return out
}

// Positions says which sequences behind columns of have stand behind those of the source's
// table as it is now. Columns are matched by their place, as a mapping keeps it: source[i]
// becomes want[i].
func Positions(source, want, have *catalog.Table, how Options) []Difference {
	if source == nil || have == nil {
		return nil
	}
	c := newComparison(want, have, how)
	for i, s := range source.Columns {
		if s.Sequence == nil || i >= len(want.Columns) {
			continue
		}
		w := want.Columns[i]
		if w.Identity == "" && w.Sequence == nil {
			continue
		}
		for _, h := range have.Columns {
			if !c.SameName(h.Name, w.Name) || h.Sequence == nil {
				continue
			}
			if d, behind := position(*s.Sequence, *h.Sequence); behind {
				c.differs(SequencePlace, w.Name, d.Wanted, d.Found)
			}
		}
	}
	return c.out
}

// Types says how enums and domains of the target differ from those wanted. One that is not
// there is no difference of its own: the columns that need it say so.
func Types(want, have []catalog.UserType) []Difference {
	var same catalog.Comparison
	byName := make(map[catalog.Name]*catalog.UserType, len(have))
	for i := range have {
		byName[have[i].Name] = &have[i]
	}
	var out []Difference
	for _, w := range want {
		h := byName[w.Name]
		if h == nil || same.SameType(w, *h) {
			continue
		}
		out = append(out, Difference{Part: UserType, Name: w.Name.String(), Kind: Different, Wanted: describeType(w), Found: describeType(*h)})
	}
	return out
}

func describeType(t catalog.UserType) string {
	if t.Kind == "enum" {
		return "enum (" + strings.Join(t.Labels, ", ") + ")"
	}
	return t.Kind + " over " + t.Definition
}

// sameSequence compares how two sequences count. Between engines only their step is: limits
// and caches are each engine's own.
func (c *comparison) sameSequence(w, h catalog.Sequence) bool {
	if !c.how.Same {
		w.Min, w.Max, w.DataType = 0, 0, ""
	}
	return c.SameSequence(w, h)
}

func describeSequence(s catalog.Sequence) string {
	text := fmt.Sprintf("start %d, increment %d, minimum %d, maximum %d", s.Start, s.Increment, s.Min, s.Max)
	if s.Cache > 1 {
		text += fmt.Sprintf(", cache %d", s.Cache)
	}
	if s.Cycle {
		text += ", cycle"
	}
	if s.DataType != "" {
		text = s.DataType + ", " + text
	}
	return text
}

// position says whether a sequence of the target would hand out a number that the source's
// has handed out, or has passed.
func position(source, target catalog.Sequence) (Difference, bool) {
	if !source.Called && (source.Last == 0 || source.Last == source.Start) {
		return Difference{}, false // at its beginning: nothing is asked of the target
	}
	if !target.Called && target.Last == 0 {
		return Difference{}, false // its server does not say
	}
	wanted, found := next(source), next(target)
	first := wanted // that may be handed out
	if source.Called && source.Increment >= 0 {
		first = source.Last + 1
	} else if source.Called {
		first = source.Last - 1
	}
	behind := found < first
	if source.Increment < 0 {
		behind = found > first
	}
	d := Difference{Part: SequencePlace, Kind: Different, Wanted: fmt.Sprintf("to continue with %d", wanted), Found: fmt.Sprintf("to continue with %d", found)}
	return d, behind
}

// next is the number that a sequence hands out next.
func next(s catalog.Sequence) int64 {
	switch {
	case s.Called && s.Increment == 0:
		return s.Last + 1
	case s.Called:
		return s.Last + s.Increment
	case s.Last != 0:
		return s.Last
	}
	return s.Start
}
