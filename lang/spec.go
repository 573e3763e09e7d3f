package lang

import (
	"fmt"

	version "github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// assemble evaluates all blocks and builds the desired migration. What it returns
// is complete only where no diagnostic is an error.
func (l *loader) assemble() *desired.Spec {
	root := rootBlock()
	spec := &desired.Spec{Dir: l.dir}
	for _, b := range l.decls.variables {
		l.decodeTop(b, root.Block("variable"), false)
	}
	l.assembleSettings(spec, root.Block("dmo"))
	all := l.decodeEndpoints()
	b := l.onlyMigration()
	if b == nil {
		return spec
	}
	m := &migration{loader: l, spec: spec, all: all}
	m.build(l.decodeTop(b, root.Block("migration"), false))
	l.warnUnused(all)
	spec.Digest = m.digest()
	return spec
}

// onlyMigration returns the one migration of the directory.
func (l *loader) onlyMigration() *hclsyntax.Block {
	found := l.decls.migrations
	if len(found) == 0 {
		if !l.diags.HasErrors() && len(l.fromHCL) == 0 {
			l.add(diag.Error(diag.NoMigration, "No migration", fmt.Sprintf(
				"The files of %s hold no migration block, so there is nothing to migrate. Add one:\n  migration "+
					"\"NAME\" {\n    source = source.TYPE.NAME\n    target = target.TYPE.NAME\n  }",
				shown(l.dir),
			)))
		}
		return nil
	}
	for _, b := range found[1:] {
		l.errorAt(
			b.DefRange(),
			diag.SeveralMigrations,
			"More than one migration",
			fmt.Sprintf(
				"A directory holds exactly one migration, and the first one is at %s. Move this one to a directory of its own.",
				place(found[0].DefRange()),
			),
		)
	}
	if !l.checkName(found[0].Labels[0], found[0].LabelRanges[0]) {
		return nil
	}
	return found[0]
}

// assembleSettings reads the dmo block.
func (l *loader) assembleSettings(spec *desired.Spec, s *schema.Block) {
	state := s.Block("state").Attr("path").Default
	spec.StatePath = state
	for i, b := range l.decls.dmo {
		if i > 0 {
			l.duplicate(b.DefRange(), "block \"dmo\"", l.decls.dmo[0].DefRange())
			continue
		}
		own := l.decodeTop(b, s, false)
		spec.History = own.values.Strings("history")
		l.checkVersion(own)
		if st := own.only("state"); st != nil {
			l.assembleState(spec, st)
		}
	}
}

func (l *loader) assembleState(spec *desired.Spec, st *block) {
	switch kind := st.labels[0]; kind {
	case "local":
		spec.StatePath = st.values.String("path")
		if spec.StatePath == "" && st.attrs["path"] != nil && st.values.Has("path") {
			l.errorAt(st.valueRange("path"), diag.InvalidValue, "Invalid value", "The argument \"path\": the path of the state file is empty.")
		}
	case "azblob":
		l.notAvailable(st.labelRanges[0], "The state \"azblob\"")
	default:
		l.errorAt(st.labelRanges[0], diag.UnsupportedValue, "Unsupported value",
			fmt.Sprintf("State is kept in %q, not %q.", "local", clip(kind)))
	}
}

// checkVersion compares this dmoctl's version with required_version.
func (l *loader) checkVersion(dmo *block) {
	want := dmo.values.String("required_version")
	if !dmo.values.Has("required_version") {
		return
	}
	at := dmo.valueRange("required_version")
	constraints, err := version.NewConstraint(want)
	if err != nil {
		l.errorAt(at, diag.InvalidValue, "Invalid value",
			fmt.Sprintf("The argument \"required_version\": %q is not a version constraint. Write one such as \">= 0.1\" or \">= 0.1, < 2.0\".", clip(want)))
		return
	}
	have, err := version.NewVersion(l.opts.Version)
	if err != nil {
		return // a build without a version, as developers make it
	}
	if !constraints.Check(have.Core()) {
		l.errorAt(at, diag.WrongVersion, "Spec requires another version",
			fmt.Sprintf("This is dmoctl %s, and the spec requires %s. Install a matching version, or change the constraint.", l.opts.Version, want))
	}
}

// warnUnused names blocks that the migration does not refer to.
func (l *loader) warnUnused(all map[string]*endpoint) {
	if l.diags.HasErrors() {
		return // a mistyped reference would make its block look unused
	}
	for _, address := range sortedKeys(all) {
		if e := all[address]; !e.used {
			l.add(diag.Warning(diag.UnusedBlock, "Block is not used",
				fmt.Sprintf("The migration does not refer to %s. Remove the block, or refer to it.", address)).On(e.at))
		}
	}
}
