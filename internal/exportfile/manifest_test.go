package exportfile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
)

func sample(tb testing.TB) Manifest {
	tb.Helper()
	_, f := write(tb, codec(tb, Options{}), three(tb)...)
	f.Object = ObjectName("SAPSR3./BIC/AFOO/0001", 7, "0123456789ab", 1)
	return Manifest{
		Format: ManifestFormat, Owner: 7, Attempt: "0123456789ab",
		Packages: []Package{
			{
				ID: "SAPSR3./BIC/AFOO/0001", Table: catalog.Name{Schema: "SAPSR3", Name: "/BIC/AFOO"}, Generation: "9f", Rows: f.Rows,
				Bytes: f.Bytes, Digest: digest.Sum{Rows: f.Rows, Hi: 1, Lo: 2}.String(), Schema: Fingerprint(schema(tb)),
				ReadAt: time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC), Epoch: "0003-1", Files: []File{f},
			},
			{
				ID: "SAPSR3.EMPTY/0001", Table: catalog.Name{Schema: "SAPSR3", Name: "EMPTY"}, Generation: "a0",
				Digest: digest.Sum{}.String(), Schema: "s", Epoch: "0003-1",
			},
		},
	}
}

func TestManifestRoundTrip(t *testing.T) {
	m := sample(t)
	b, err := encode(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidManifests(t *testing.T) {
	for want, change := range map[string]func(*Manifest){
		"no owner":                   func(m *Manifest) { m.Owner = 0 },
		"no package":                 func(m *Manifest) { m.Packages = nil },
		"appears twice":              func(m *Manifest) { m.Packages[1].ID = m.Packages[0].ID },
		"has no name":                func(m *Manifest) { m.Packages[0].Generation = "" },
		"no epoch":                   func(m *Manifest) { m.Packages[0].Epoch = "" },
		"in its files":               func(m *Manifest) { m.Packages[0].Rows-- },
		"in its digest":              func(m *Manifest) { m.Packages[0].Digest = digest.Sum{Rows: 5}.String() },
		"parse digest":               func(m *Manifest) { m.Packages[0].Digest = "x" },
		"not valid":                  func(m *Manifest) { m.Packages[0].Files[0].Object = "../../etc/passwd" },
		"not a checksum":             func(m *Manifest) { m.Packages[0].Files[0].SHA256 = "12" },
		"to this attempt":            func(m *Manifest) { m.Packages[0].Files[0].Object = ObjectName("x", 7, "ba9876543210", 1) },
		"not belong to this attempt": func(m *Manifest) { m.Packages[0].Files[0].Object = ObjectName("x", 6, "0123456789ab", 1) },
		"does not hold":              func(m *Manifest) { m.Packages[0].Files[0].Frames[1].Bytes = 1 },
		"does not hold 0":            func(m *Manifest) { m.Packages[0].Files[0].Frames[1].Bytes = 0 },
		"add up to the file":         func(m *Manifest) { m.Packages[0].Files[0].Frames[1].Bytes++ },
		"do not add up":              func(m *Manifest) { m.Packages[0].Files[0].Length++ },
		"not in its place":           func(m *Manifest) { m.Packages[0].Files[0].Frames[1].Offset++ },
		"a schema and an end":        func(m *Manifest) { m.Packages[0].Files[0].Frames = m.Packages[0].Files[0].Frames[:1] },
		"frame 0 is not in its":      func(m *Manifest) { m.Packages[0].Files[0].Frames[0].Length = -1 },
	} {
		m := sample(t)
		change(&m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if _, err := encode(m); err == nil {
			t.Errorf("%s: encoded", want)
		}
	}
	b, err := encode(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	for want, text := range map[string]string{
		"format version 1 is not supported by this dmoctl": strings.Replace(string(b), `"format":2`, `"format":1`, 1),
		"names no format version":                          strings.Replace(string(b), `"format":2,`, ``, 1),
		`unknown field "colour"`:                           strings.Replace(string(b), `"format":2`, `"format":2,"colour":1`, 1),
		"after top-level value":                            string(b) + "{}",
		"unexpected end":                                   string(b[:len(b)/2]),
	} {
		if _, err := decode([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"mara": "mara", "MARA": "%4D%41%52%41", "/BIC/AFOO": "%2F%42%49%43%2F%41%46%4F%4F", ".": "%2E", "..": "%2E.", "a.b": "a.b",
		"a b": "a%20b", "%41": "%2541", "\u20ac": "%E2%82%AC", "\x00": "%00",
	} {
		if got := Escape(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
		if !ValidName("data/" + want) {
			t.Errorf("%s is not valid", want)
		}
	}
	long := strings.Repeat("\u20ac", 100)
	one, two := Escape(long+"1"), Escape(long+"2")
	if one == two || len(one) > maxElement || !ValidName(one) || !ValidName(two) {
		t.Errorf("long names: %s, %s", one, two)
	}
	if got := ObjectName("T/0001", 12, "4", 2); got != "data/%54%2F0001/12-4/2" {
		t.Errorf("object name %s", got)
	}
	if ObjectName("a/b", 1, "2-3", 4) == ObjectName("a", 1, "2-3", 4) {
		t.Error("two packages share an object name")
	}
}

func FuzzManifest(f *testing.F) {
	b, err := encode(sample(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"format":2,"owner":1,"attempt":"a","packages":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		if err != nil {
			return
		}
		again, err := encode(m)
		if err != nil {
			t.Fatalf("decoded, but not encoded: %v", err)
		}
		back, err := decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, back); diff != "" {
			t.Error(diff)
		}
	})
}

// indexed makes an index over bytes that claims nothing but their length, so that
// only the decoder stands between them and rows.
func indexed(b []byte, c *Codec) File {
	f := File{Object: "x", Length: int64(len(b)), SHA256: strings.Repeat("0", 64)}
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	for at := 0; at < len(b); {
		next := bytes.Index(b[at+1:], magic) + 1
		if next == 0 {
			next = len(b) - at
		}
		size := int64(next)
		if plain, err := c.dec.DecodeAll(b[at:at+next], make([]byte, 0, 1<<20)); err == nil {
			size = int64(len(plain))
		}
		f.Frames = append(f.Frames, Frame{Offset: int64(at), Length: int64(next), Bytes: size})
		f.Bytes += size
		at += next
	}
	for i := 1; i < len(f.Frames)-1; i++ {
		f.Frames[i].Rows = 1
		f.Rows++
	}
	return f
}

func FuzzExportFile(f *testing.F) {
	c := codec(f, Options{MaxFrame: 1 << 20})
	data, _ := write(f, c, rows(f, 1, 1), rows(f, 1, 2))
	f.Add(data)
	plain, err := c.dec.DecodeAll(data, make([]byte, 0, 1<<20))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, b []byte) {
		// Bytes that are no zstd frames are made into two, so that the fuzzer reaches Arrow.
		if !bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
			cut := min(len(b), 1024)
			b = c.enc.EncodeAll(b[cut:], c.enc.EncodeAll(b[:cut], nil))
			b = c.enc.EncodeAll(endOfStream, b)
		}
		index := indexed(b, c)
		if index.check() != nil {
			return
		}
		recs, err := read(bytes.NewReader(b), index, Content{}, c)
		if err == nil {
			t.Fatal("a wrong checksum is not noticed")
		}
		for _, rec := range recs {
			if _, err := rec.MarshalJSON(); err != nil { // touches every value
				t.Logf("marshal: %v", err)
			}
			rec.Release()
		}
	})
}

// encode and decode are a manifest on its own, as an entry of the journal holds it.
func encode(m Manifest) ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

func decode(b []byte) (m Manifest, err error) {
	if err = Decode(b, ManifestFormat, &m); err == nil {
		err = m.Check()
	}
	return m, err
}
