package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dmoctl/dmoctl/internal/schema"
)

// masked stands where a secret would have been printed.
const masked = "(sensitive)"

// shortestSecret is the length in bytes below which a value is not masked:
// replacing every "a" would hide nothing and spoil the output.
const shortestSecret = 4

// guard is the last line behind the rule that secrets never get into messages: it
// replaces the known secret values, and their usual encodings, in all that the
// process prints. It is safe for concurrent use.
type guard struct {
	mu    sync.RWMutex
	forms [][]byte // longest first, so that no remainder of a longer one stays
}

// learn makes the sensitive arguments of one block known.
func (g *guard) learn(block schema.Block, values schema.Values) {
	for _, attr := range block.Attrs {
		if secret := values.String(attr.Name); attr.Sensitive && len(secret) >= shortestSecret {
			g.add(encodings(secret))
			g.learnURL(secret)
		}
	}
}

// learnURL makes the password inside a connection URL known by itself.
func (g *guard) learnURL(secret string) {
	u, err := url.Parse(secret)
	if err != nil || u.User == nil {
		return
	}
	if password, ok := u.User.Password(); ok && len(password) >= shortestSecret {
		g.add(encodings(password))
	}
}

func (g *guard) add(forms []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range forms {
		g.forms = append(g.forms, []byte(f))
	}
	slices.SortFunc(g.forms, func(a, b []byte) int { return len(b) - len(a) })
	g.forms = slices.CompactFunc(g.forms, bytes.Equal)
}

// mask returns p without secrets; p itself where it holds none.
func (g *guard) mask(p []byte) []byte {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, f := range g.forms {
		if bytes.Contains(p, f) {
			p = bytes.ReplaceAll(p, f, []byte(masked))
		}
	}
	return p
}

// encodings returns a secret in the forms in which programs print values.
func encodings(secret string) []string {
	out := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.User(secret).String(),
		strings.Trim(strconv.Quote(secret), `"`), strings.Trim(strconv.QuoteToASCII(secret), `"`),
		hex.EncodeToString([]byte(secret)),
	}
	for _, escapeHTML := range []bool{true, false} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(escapeHTML)
		if e.Encode(secret) == nil {
			out = append(out, strings.Trim(strings.TrimSpace(b.String()), `"`))
		}
	}
	out = append(out, base64Forms(secret)...)
	// Escapes in lower case say the same: %2f is %2F.
	for _, form := range slices.Clone(out) {
		if strings.Contains(form, "%") {
			out = append(out, lowerEscapes(form))
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return len(s) < shortestSecret })
}

// base64Forms returns what base64 makes of a secret that stands at any place in a
// longer text: three phases, without the characters that depend on its neighbours.
func base64Forms(secret string) []string {
	var out []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		out = append(out, enc.EncodeToString([]byte(secret)))
		for phase := range 3 {
			text := enc.EncodeToString(append(make([]byte, phase), secret...))
			first := (phase*8 + 5) / 6
			last := (phase + len(secret)) * 8 / 6
			if last-first >= 2*shortestSecret {
				out = append(out, text[first:last])
			}
		}
	}
	return out
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}
