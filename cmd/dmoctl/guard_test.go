package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/schema"
)

func TestGuardMasksEveryEncoding(t *testing.T) {
	const secret = `p@:/%&<"\ß-Zürich`
	g := &guard{}
	g.learn(schema.Block{Attrs: []schema.Attr{{Name: "password", Sensitive: true}, {Name: "user"}}},
		schema.Values{"password": secret, "user": "someone"})
	quoted, err := json.Marshal(map[string]string{"password": secret})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{
		"plain": secret,
		"json":  string(quoted),
		"go":    fmt.Sprintf("%q", secret),
		"query": url.QueryEscape(secret),
		"path":  url.PathEscape(secret),
		"lower": strings.ToLower(url.QueryEscape("@:/")) + lowerEscapes(url.QueryEscape(secret)),
		"url":   (&url.URL{Scheme: "postgres", User: url.UserPassword("u", secret), Host: "h"}).String(),
		"hex":   fmt.Sprintf("%x", secret),
	}
	for i, prefix := range []string{"", "x", "xy", "user:"} {
		texts[fmt.Sprintf("base64 %d", i)] = base64.StdEncoding.EncodeToString([]byte(prefix + secret + "tail"))
		texts[fmt.Sprintf("base64url %d", i)] = base64.URLEncoding.EncodeToString([]byte(prefix + secret))
	}
	for name, text := range texts {
		var b strings.Builder
		if _, err := fmt.Fprintf(&stream{guard: g, to: &b, colour: func() bool { return false }}, "before %s after someone\n", text); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), masked) || !strings.HasSuffix(b.String(), "after someone\n") {
			t.Errorf("%s: %q", name, b.String())
		}
	}
}

func TestPanicMasksSecrets(t *testing.T) {
	for _, value := range []any{
		fmt.Errorf("connect to postgres://app:%s@db/erp", url.QueryEscape(canary)),
		"password " + canary,
		map[string]string{"password": canary},
	} {
		var out, errs strings.Builder
		a := newApp(strings.NewReader(""), &out, &errs)
		a.guard.add(encodings(canary))
		if code := a.protect(func() int { panic(value) }); code != report.Error {
			t.Errorf("exit code %d, want 1", code)
		}
		for _, form := range encodings(canary) {
			if strings.Contains(errs.String(), form) {
				t.Errorf("the trace of a panic holds %q", form)
			}
		}
		if out.Len() > 0 || !strings.Contains(errs.String(), "internal error") || !strings.Contains(errs.String(), masked) {
			t.Errorf("stdout %q, stderr %q", out.String(), errs.String())
		}
	}
}

func TestGuardIgnoresShortValues(t *testing.T) {
	g := &guard{}
	g.learn(schema.Block{Attrs: []schema.Attr{{Name: "password", Sensitive: true}}}, schema.Values{"password": "a"})
	if got := string(g.mask([]byte("a table"))); got != "a table" {
		t.Errorf("got %q", got)
	}
}
