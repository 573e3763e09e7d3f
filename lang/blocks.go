package lang

import (
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// Types of top-level blocks.
const (
	roleSource  = "source"
	roleTarget  = "target"
	roleStaging = "staging"
)

// rootBlock describes a whole directory. Arguments of source, target and staging come
// from the driver that their first label names.
func rootBlock() schema.Block {
	provider := []string{"type", "name"}
	return schema.Block{
		Type: "spec",
		Blocks: []schema.Block{
			dmoBlock(), variableBlock(),
			{Type: "locals", Doc: "Names for expressions, used as local.NAME."},
			{Type: roleSource, Labels: provider, Doc: "A database that is read from, used as source.TYPE.NAME."},
			{Type: roleTarget, Labels: provider, Doc: "A database that is written to, used as target.TYPE.NAME."},
			{Type: roleStaging, Labels: provider, Doc: "A place for export files, used as staging.TYPE.NAME."},
			migrationBlock(),
		},
	}
}

func dmoBlock() schema.Block {
	return schema.Block{
		Type: "dmo", Single: true, Doc: "Settings of dmoctl itself.",
		Attrs: []schema.Attr{
			{Name: "required_version", Kind: schema.String, Example: ">= 0.1", Doc: "Versions of dmoctl that may read this spec."},
			{
				Name:    "history",
				Kind:    schema.Strings,
				Example: `["rehearsal-3.json"]`,
				Doc:     "Reports of earlier runs, relative to the directory: the plan takes durations and rates from them.",
			},
		},
		Blocks: []schema.Block{{
			Type: "state", Labels: []string{"type"}, Single: true,
			Doc: "Where dmoctl records what it did. The type is \"local\".",
			Attrs: []schema.Attr{
				{Name: "path", Kind: schema.String, Default: ".dmo/state.db", Doc: "State file, absolute or relative to the directory."},
			},
		}},
	}
}

func variableBlock() schema.Block {
	return schema.Block{
		Type: "variable", Labels: []string{"name"}, Doc: "A value from outside the spec, used as var.NAME.",
		Attrs: []schema.Attr{
			{Name: "type", Kind: schema.Expression, Example: "string", Default: "any", Doc: "Type constraint, as in Terraform."},
			{Name: "default", Kind: schema.Expression, Doc: "Default value; without it, a value is required."},
			{Name: "description", Kind: schema.String, Doc: "What the variable is for."},
			{
				Name:    "sensitive",
				Kind:    schema.Bool,
				Default: "false",
				Doc:     "Never print the value. Sensitive arguments accept the variable if it has no default.",
			},
		},
		Blocks: []schema.Block{{
			Type: "validation", Doc: "A condition that the value must meet.",
			Attrs: []schema.Attr{
				{Name: "condition", Kind: schema.Expression, Required: true, Doc: "Must be true; refers to the variable itself only."},
				{Name: "error_message", Kind: schema.String, Required: true, Doc: "Message printed if the condition is false."},
			},
		}},
	}
}

func migrationBlock() schema.Block {
	return schema.Block{
		Type: "migration", Labels: []string{"name"}, Doc: "What is migrated, from which source to which target. A directory holds exactly one.",
		Attrs: []schema.Attr{
			{Name: "source", Kind: schema.Reference, Required: true, Example: "source.postgres.erp", Doc: "The database to read from."},
			{Name: "target", Kind: schema.Reference, Required: true, Example: "target.postgres.new", Doc: "The database to write to."},
		},
		Blocks: []schema.Block{
			transferBlock(), groupBlock(), excludeBlock(), renameBlock(), processesBlock(), typesBlock(), verifyBlock(),
			{Type: "uptime", Single: true, Planned: true, Doc: "Tables copied while the source is in use."},
			{Type: "gate", Labels: []string{"name"}, Planned: true, Doc: "A point where the run waits for approval."},
			{Type: "hook", Labels: []string{"name"}, Planned: true, Doc: "A command run at a phase."},
			{Type: "window", Single: true, Planned: true, Doc: "The downtime that is available."},
		},
	}
}

func transferBlock() schema.Block {
	return schema.Block{
		Type: "transfer", Labels: []string{"mode"}, Single: true,
		Doc: "How rows are transferred: \"pipe\" (default), directly from reader to writer, or \"file\", as export files in a staging.",
		Attrs: []schema.Attr{
			{Name: "via", Kind: schema.Reference, Example: "staging.local.files", Doc: "The staging: required in file mode, not used in pipe mode."},
			{
				Name:    "order",
				Kind:    schema.String,
				Default: "serial",
				Choices: []string{"serial"},
				Unready: []string{"parallel"},
				Doc:     "File mode: \"serial\" imports after the export.",
			},
			{Name: "file_size", Kind: schema.Size, Default: "256MiB", Min: 1 << 16, Doc: "File mode: bytes of an export file before compression."},
			{
				Name:    "compression",
				Kind:    schema.String,
				Default: string(plan.Fastest),
				Choices: schema.Words(plan.Compressions()),
				Doc:     "File mode: zstd level.",
			},
		},
	}
}

func groupBlock() schema.Block {
	return schema.Block{
		Type: "table_group", Labels: []string{"name"},
		Doc: "Tables and how they are split. Groups are tried in order; a table belongs to the first that matches it. Without groups, all tables form one.",
		Attrs: []schema.Attr{
			{
				Name:     "tables",
				Kind:     schema.Strings,
				Required: true,
				Example:  `["BSEG", "CD*"]`,
				Doc:      "Globs over table names; \"OTHER.TABLE\" names another schema.",
			},
		},
		Blocks: []schema.Block{{
			Type: "split", Single: true, Doc: "How each table is cut into packages.",
			Attrs: []schema.Attr{
				{Name: "by", Kind: schema.String, Default: string(catalog.ByAuto), Choices: schema.Words(catalog.Ways()), Doc: "What the split is based on."},
				{Name: "parts", Kind: schema.Int, Min: 1, Max: 100000, Doc: "Desired number of packages per table; not together with target_size."},
				{Name: "target_size", Kind: schema.Size, Min: 1 << 10, Example: "1GiB", Doc: "Desired size of a package in bytes; not together with parts."},
			},
		}},
	}
}

func excludeBlock() schema.Block {
	return schema.Block{
		Type: "exclude", Labels: []string{"name"}, Doc: "Tables whose rows are not copied. Takes precedence over groups.",
		Attrs: []schema.Attr{
			{Name: "tables", Kind: schema.Strings, Required: true, Example: `["DBATL"]`, Doc: "Globs over table names."},
			{
				Name:    "content",
				Kind:    schema.String,
				Default: string(desired.ContentNone),
				Choices: schema.Words(desired.Contents()),
				Doc:     "\"none\": nothing is created; \"structure\": the table is created without rows.",
			},
			{Name: "reason", Kind: schema.String, Doc: "The reason, printed in plan and report."},
		},
	}
}

func renameBlock() schema.Block {
	return schema.Block{
		Type: "rename", Doc: "A different schema or name on the target.",
		Attrs: []schema.Attr{
			{Name: "table", Kind: schema.String, Required: true, Example: "OTHER.T1", Doc: "The table's exact name on the source."},
			{Name: "to", Kind: schema.String, Required: true, Example: "T1", Doc: "Its name on the target; without a schema, the target's own schema is used."},
		},
	}
}

func processesBlock() schema.Block {
	return schema.Block{
		Type: "processes", Single: true, Doc: "How much runs in parallel. A process is one reader and one writer working on a package.",
		Attrs: []schema.Attr{
			{Name: "downtime", Kind: schema.Int, Min: 1, Max: 4096, Doc: "Processes of the downtime phase; by default the plan decides."},
			{Name: "uptime", Kind: schema.Int, Min: 1, Max: 4096, Planned: true, Doc: "Processes of the uptime phase."},
			{Name: "verify", Kind: schema.Int, Min: 1, Max: 4096, Doc: "Readers of the verify phase; by default the plan decides."},
			{Name: "replay", Kind: schema.Int, Min: 1, Max: 4096, Planned: true, Doc: "Writers of the replay."},
			{Name: "memory", Kind: schema.Size, Min: 16 << 20, Example: "4GiB", Doc: "Memory for all data in flight; by default a quarter of the machine's."},
		},
	}
}

func policies(choices ...catalog.Policy) []string { return schema.Words(choices) }

func typesBlock() schema.Block {
	usual := catalog.DefaultPolicies()
	return schema.Block{
		Type: "types", Single: true, Doc: "What happens to a value that the target cannot hold, or that the two " +
			"engines interpret differently. By default a value is rejected or left unchanged; docs/policies.md has " +
			"examples.",
		Attrs: []schema.Attr{
			{
				Name:    "invalid_date",
				Kind:    schema.String,
				Default: string(usual.InvalidDate),
				Choices: policies(catalog.Fail, catalog.Null, catalog.Clamp),
				Doc:     "Dates outside the target's calendar.",
			},
			{
				Name:    "overflow",
				Kind:    schema.String,
				Default: string(usual.Overflow),
				Choices: policies(catalog.Fail, catalog.Null),
				Doc:     "Numbers and texts too large for the target's column.",
			},
			{Name: "nul", Kind: schema.String, Default: string(usual.NUL), Choices: policies(catalog.Fail, catalog.Strip), Doc: "U+0000 in text."},
			{Name: "lob_max", Kind: schema.Size, Default: "256MiB", Min: 1, Doc: "Larger values are rejected, never truncated; the error names table and key."},
			{
				Name:    "empty_string",
				Kind:    schema.String,
				Default: string(usual.EmptyString),
				Choices: policies(catalog.AsIs, catalog.Null),
				Doc:     "Empty strings in text. \"null\": they become NULL.",
			},
			{
				Name:    "blank",
				Kind:    schema.String,
				Default: string(usual.Blank),
				Choices: policies(catalog.Exact, catalog.ABAP),
				Doc: "Trailing blanks. \"abap\": they are dropped, and a blank becomes an empty string, in " +
					"CHAR and VARCHAR columns that are NOT NULL DEFAULT ' ' on the source.",
			},
			{
				Name:    "time_zone",
				Kind:    schema.String,
				Default: string(usual.TimeZone),
				Choices: policies(catalog.Fail, catalog.UTC),
				Doc:     "Timestamps with a zone where the target has none. \"fail\": the plan refuses them. \"utc\": they become civil time in UTC.",
			},
			{
				Name:    "number",
				Kind:    schema.String,
				Default: usual.Number,
				Example: "decimal(38,10)",
				Doc: "Numbers without a declared precision, between different engines. \"exact\": every digit, " +
					"or the row fails. \"double\": 64-bit floats, which lose digits. \"decimal(PRECISION,SCALE)\": " +
					"that decimal; a number that does not fit is rejected, never rounded; the error names table " +
					"and key.",
			},
			{
				Name:    "expressions",
				Kind:    schema.String,
				Default: string(usual.Expressions),
				Choices: policies(catalog.Plain, catalog.Trusted),
				Doc: "Defaults, checks, generated columns, index expressions and predicates, between databases " +
					"of one engine. \"plain\": those made of the engine's own immutable functions and operators, " +
					"and of a few more such as now(), are created on the target; all others are listed and not " +
					"migrated. \"trusted\": all are created, which lets anyone who can write them on the source " +
					"run functions on the target as the target's user.",
			},
		},
	}
}

func verifyBlock() schema.Block {
	return schema.Block{
		Type: "verify", Single: true, Doc: "How source and target are compared.",
		Attrs: []schema.Attr{
			{
				Name:    "default",
				Kind:    schema.String,
				Default: string(plan.LevelContent),
				Choices: schema.Words(plan.Levels()),
				Doc:     "Level for every table that no exception names.",
			},
			{Name: "captured", Kind: schema.String, Planned: true, Doc: "Level for captured tables."},
		},
		Blocks: []schema.Block{{
			Type: "exception", Labels: []string{"table"}, Doc: "One table that may differ.",
			Attrs: []schema.Attr{
				{
					Name:     "rule",
					Kind:     schema.String,
					Required: true,
					Choices:  schema.Words(plan.Rules()),
					Doc:      "\"igncount\" ignores the count, \"ignlargercount\" a target with more rows.",
				},
				{Name: "reason", Kind: schema.String, Required: true, Doc: "The reason, printed in plan and report."},
			},
		}},
	}
}

// commonAttrs are arguments that every block of a role has, unless its driver
// describes one of that name itself.
func commonAttrs(role string) []schema.Attr {
	switch role {
	case roleSource:
		return []schema.Attr{{Name: "consistency", Kind: schema.String, Default: string(desired.Snapshot), Choices: schema.Words(desired.Consistencies()),
			Doc: "\"snapshot\": the whole run reads one snapshot. \"quiet\": you declare that nobody writes; this " +
				"is checked, and a resumed run copies only what is missing."}}
	case roleTarget:
		return []schema.Attr{{Name: "existing", Kind: schema.String, Default: string(plan.ExistingRefuse), Choices: schema.Words(plan.Existings()),
			Doc: "\"require-empty\": no table of the plan exists. \"load\": into tables that exist and hold no " +
				"rows. \"recreate\": drop them first, after a second confirmation."}}
	}
	return nil
}
