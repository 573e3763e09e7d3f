package lang

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// StarterOptions say what a first spec moves.
type StarterOptions struct {
	Migration   string // name; "" is "move"
	SourceType  string // driver, e.g. "postgres"
	TargetType  string
	StagingType string    // of file mode; "" is "local"
	Mode        plan.Mode // "" is plan.Pipe
	Drivers     []providers.Driver
}

// Starter returns the text of a first spec, in canonical form, that Load accepts.
// What a user has to change is an example value or an environment variable.
func Starter(o StarterOptions) ([]byte, diag.Diagnostics) {
	o.Migration = cmp.Or(o.Migration, "move")
	o.Mode = cmp.Or(o.Mode, plan.Pipe)
	o.StagingType = cmp.Or(o.StagingType, "local")
	l := newLoader(".", Options{Drivers: o.Drivers})
	if !hclsyntax.ValidIdentifier(o.Migration) || len(o.Migration) > longestName {
		l.add(diag.Error(diag.InvalidName, "Invalid name", nameRule(o.Migration)))
	}
	source := l.starterBlock(roleSource, o.SourceType, "old")
	target := l.starterBlock(roleTarget, o.TargetType, "new")
	var staging string
	if o.Mode == plan.File {
		staging = l.starterBlock(roleStaging, o.StagingType, "files")
	} else if o.Mode != plan.Pipe {
		l.add(diag.Error(diag.UnsupportedValue, "Unsupported value",
			fmt.Sprintf("Rows are transferred by \"pipe\" or by \"file\", not by %q.", clip(string(o.Mode)))))
	}
	if len(l.diags) > 0 {
		return nil, l.finished()
	}
	text := source + target + staging + starterMigration(o)
	return hclwrite.Format([]byte(text)), nil
}

// starterBlock writes a block with the arguments that a user has to look at.
func (l *loader) starterBlock(role, kind, name string) string {
	d := l.driver(kind)
	if d == nil {
		l.add(diag.Error(diag.UnknownProvider, "Unknown provider", fmt.Sprintf("No provider is named %q. %s",
			clip(kind), didYouMean(kind, l.players(role), l.playersHint(role)))))
		return ""
	}
	s := roleBlock(d, role)
	if s == nil {
		l.add(diag.Error(diag.WrongRole, "Provider does not support this role",
			fmt.Sprintf("The provider %q cannot be used as %s. %s", kind, article(role), l.playersHint(role))))
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %q {\n", role, kind, name)
	for _, a := range starterAttrs(s) {
		fmt.Fprintf(&b, "%s = %s\n", a.Name, starterValue(&a, role, name))
	}
	b.WriteString("}\n\n")
	return b.String()
}

// starterAttrs chooses required arguments and connection arguments that have an
// example; where there is none, the ones by which servers are usually reached.
func starterAttrs(s *schema.Block) []schema.Attr {
	var out []schema.Attr
	for _, a := range s.Attrs {
		if !a.Planned && (a.Required || (a.Connection && a.Example != "")) {
			out = append(out, a)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, name := range []string{"host", "database", "user", "password", "path"} {
		if a := s.Attr(name); a != nil && !a.Planned {
			out = append(out, *a)
		}
	}
	return out
}

func starterValue(a *schema.Attr, role, name string) string {
	switch {
	case a.Sensitive || a.Name == "user":
		return fmt.Sprintf("env(%q)", "DMO_"+upper(role)+"_"+upper(a.Name))
	case a.Name == "path":
		// One example for both sides would make a file its own target.
		return map[string]string{roleSource: `"old.db"`, roleTarget: `"new.db"`, roleStaging: `"files"`}[role]
	case a.Name == "host" && a.Example == "":
		return `"localhost"`
	case a.Default != "":
		return written(a, a.Default)
	case a.Example == "" && a.Kind == schema.String && len(a.Choices) == 0:
		return fmt.Sprintf("%q", name)
	}
	return exampleOf(a)
}

func starterMigration(o StarterOptions) string {
	transfer := `transfer "pipe" {}`
	if o.Mode == plan.File {
		transfer = fmt.Sprintf("transfer \"file\" {\n via = staging.%s.files\n}", o.StagingType)
	}
	return fmt.Sprintf(`migration %q {
  source = source.%s.old
  target = target.%s.new

  %s

  # Groups are tried in order; the first that matches a table has it.
  table_group "all" {
    tables = ["*"]
    split {
      target_size = "1GiB"
    }
  }

  verify {
    default = "content"
  }
}
`, o.Migration, o.SourceType, o.TargetType, transfer)
}
