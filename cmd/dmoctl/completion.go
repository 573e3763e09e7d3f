package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is printed below the command's usage.
func (c *completionCmd) Help() string {
	return "To use it right away:\n\n  source <(dmoctl completion bash)\n  dmoctl completion fish | source"
}

// Run prints a script that completes commands, subcommands and flags; file names
// complete as the shell does it.
func (c *completionCmd) Run(a *app, k *kong.Kong) error {
	words := completions(k.Model.Node, nil)
	switch c.Shell {
	case "bash":
		a.printf("%s", view.Ours(bashCompletion(words)))
	case "zsh":
		a.printf("autoload -U +X bashcompinit && bashcompinit\n%s", view.Ours(bashCompletion(words)))
	default:
		a.printf("%s", view.Ours(fishCompletion(words)))
	}
	return nil
}

// completionWords are the words that may follow a command.
type completionWords struct {
	path     []string // below dmoctl
	commands []*kong.Node
	flags    []*kong.Flag
}

func completions(n *kong.Node, path []string) []completionWords {
	here := completionWords{path: path}
	for _, group := range n.AllFlags(true) {
		here.flags = append(here.flags, group...)
	}
	out := []completionWords{here}
	for _, child := range n.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		out[0].commands = append(out[0].commands, child)
		below := append(append([]string{}, path...), child.Name)
		out = append(out, completions(child, below)...)
	}
	return out
}

func bashCompletion(all []completionWords) string {
	var b strings.Builder
	b.WriteString("_dmoctl() {\n  local word=${COMP_WORDS[COMP_CWORD]} path= w\n" +
		"  for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do [[ $w == -* ]] || path+=\" $w\"; done\n" +
		"  local words=\n  case $path in\n")
	// The longest path first: the patterns end in *, for arguments that follow.
	for i := len(all) - 1; i >= 0; i-- {
		pattern := "*"
		if len(all[i].path) > 0 {
			pattern = fmt.Sprintf("%q*", " "+strings.Join(all[i].path, " "))
		}
		var words []string
		for _, c := range all[i].commands {
			words = append(words, c.Name)
		}
		for _, f := range all[i].flags {
			words = append(words, "--"+f.Name)
		}
		fmt.Fprintf(&b, "    %s) words=%q ;;\n", pattern, strings.Join(words, " "))
	}
	b.WriteString("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n" +
		"complete -o default -F _dmoctl dmoctl\n")
	return b.String()
}

func fishCompletion(all []completionWords) string {
	var b strings.Builder
	for _, w := range all {
		when := "__fish_use_subcommand"
		if len(w.path) > 0 {
			when = "__fish_seen_subcommand_from " + w.path[len(w.path)-1]
		}
		for _, c := range w.commands {
			fmt.Fprintf(&b, "complete -c dmoctl -n '%s' -f -a %s -d %s\n", when, c.Name, fishQuote(c.Help))
		}
		for _, f := range w.flags {
			if len(w.path) == 0 {
				fmt.Fprintf(&b, "complete -c dmoctl -l %s -d %s\n", f.Name, fishQuote(f.Help))
			} else {
				fmt.Fprintf(&b, "complete -c dmoctl -n '%s' -l %s -d %s\n", when, f.Name, fishQuote(f.Help))
			}
		}
	}
	return b.String()
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
