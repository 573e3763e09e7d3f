package lang

// rules are what the tables of the reference cannot say.
const rules = `# The spec language

Generated from the schemas by ` + "`make docs`" + `: edit the schemas, not this file.

A spec is a directory of files whose names end in ` + "`.dmo.hcl`" + `. They are read as one, in the syntax of HCL version 2. ` + "`dmoctl validate`" + `
checks it without any connection, ` + "`dmoctl fmt`" + ` brings it into the canonical form.

## Rules

- A directory holds exactly one ` + "`migration`" + `. Blocks are referred to without quotes: ` + "`source = source.postgres.erp`" + `.
- **Tables** are named by globs: ` + "`*`" + ` stands for any characters, ` + "`/`" + ` included, ` + "`?`" + ` for one, ` + "`\\`" + ` escapes the next
  character (in a quoted text it is written twice). Names are case-sensitive. An unescaped dot ends the name of a schema;
  without one the source's own schema is meant.
- **Groups** are tried in order: a table belongs to the first that matches it. An ` + "`exclude`" + ` takes precedence over all groups.
  Without groups, all tables form one.
  An exact name may appear in one group only.
- **Secrets** are never written in a spec. A sensitive argument takes ` + "`env(\"NAME\")`" + `,
  ` + "`sensitive(file(\"PATH\"))`" + ` or a variable with ` + "`sensitive = true`" + ` and
  no default. An environment variable that is not set is an error only when the provider connects, so that CI validates without secrets. Sensitive values
  are accepted only by arguments of providers: all others are printed and stored in plans.
- **Variables** take their value from, the later one winning: their default, the environment
  (` + "`DMO_VAR_NAME`" + `), ` + "`dmo.dmovars`" + `, ` + "`*.auto.dmovars`" + ` by name,
  then ` + "`--var`" + ` and ` + "`--var-file`" + ` in the order of the command line. Other users of a machine can see ` + "`--var`" + ` in the process list.
- **Dynamic blocks** generate nested blocks: ` + "`dynamic \"table_group\" { for_each = ...  labels = [...]  content { ... } }`" + `.
- The **digest** that a saved plan is bound to leaves out connection arguments, sensitive values, the location of the state and the layout of files.
- A file has at most 1 MiB, and expressions nest at most 250 deep. Long lists of tables go into a text file:
  ` + "`compact(split(\"\\n\", file(\"tables.txt\")))`" + `.

`
