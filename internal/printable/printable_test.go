package printable

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"orders":             "orders",
		"Größe 注文 😀":         "Größe 注文 😀",
		"a\nNo changes.":     `a\nNo changes.`,
		"a\x1b[2K\rb":        `a\u001b[2K\rb`,
		"a\tb":               `a\tb`,
		"\u202egnp.exe":      `\u202egnp.exe`,
		"a\u200bb\ufeffc":    `a\u200bb\ufeffc`,
		"a\u00a0b\u2028c":    `a\u00a0b\u2028c`,
		"a\U000e0041b":       `a\udb40\udc41b`,
		"a\xffb\u009bm\x7f":  `a\xffb\u009bm\u007f`,
		"\u3164\u115f\u2800": `\u3164\u115f\u2800`,
		"a\ufe0fb\u034fc":    `a\ufe0fb\u034fc`,
	} {
		if got := Line(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		if utf8.ValidString(in) {
			b, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			var same string
			if err := json.Unmarshal([]byte(Text(string(b))), &same); err != nil || same != in {
				t.Errorf("JSON of %q became that of %q: %v", in, same, err)
			}
		}
	}
	if got := Text("a\n\tb\r"); got != "a\n\tb"+`\r` {
		t.Errorf("Text gave %q", got)
	}
}

type inner struct {
	Name string
	Note string `print:"ours"`
}

type outer struct {
	ID    string
	List  []*inner
	Map   map[string]any
	Bytes []byte
	At    time.Time
	Any   any
}

func TestOf(t *testing.T) {
	at := time.Now()
	in := &outer{
		ID:   "x\ny",
		List: []*inner{{Name: "plain"}, {Name: "a\nNo changes.", Note: "Table a\nNo changes. is there. Run\n\n  dmoctl \x1bapply"}},
		Map:  map[string]any{"k\r": []string{"v\n"}}, Bytes: []byte("\n"), At: at, Any: inner{Name: "\u200b"},
	}
	before := *in
	got := Of(in)
	want := &outer{
		ID:   `x\ny`,
		List: []*inner{{Name: "plain"}, {Name: `a\nNo changes.`, Note: "Table a\\nNo changes. is there. Run\n\n  dmoctl \\u001bapply"}},
		Map:  map[string]any{`k\r`: []string{`v\n`}}, Bytes: []byte("\n"), At: at, Any: inner{Name: `\u200b`},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %+v", got, got.List[1])
	}
	if !reflect.DeepEqual(*in, before) || in.List[1].Name != "a\nNo changes." || got.List[0] != in.List[0] {
		t.Error("what was given was changed, or copied without need")
	}
	clean := &outer{ID: "a", List: []*inner{{Name: "b"}}}
	if Of(clean) != clean {
		t.Error("what needs no change was copied")
	}
}

func TestLinesLongestMatchFirst(t *testing.T) {
	var l Lines
	l.Learn([]string{"a\n", "a\nb\n", "\n"})
	if got := l.Text("x a\nb\n y"); strings.Contains(got, "\n") || got != `x a\nb\n y` {
		t.Errorf("got %q", got)
	}
}
