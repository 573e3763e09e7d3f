package lang

// rules are what the tables of the reference cannot say.
const rules = `# The spec language

Generated from the schemas by ` + "`make docs`" + `: edit the schemas, not this file.

A spec is a folder of files whose names end in ` + "`.dmo.hcl`" + `. They are read as one, in the syntax of HCL version 2. ` + "`dmoctl validate`" + `
checks it without any connection, ` + "`dmoctl fmt`" + ` brings it into the canonical form.

## Rules

- A folder holds exactly one ` + "`migration`" + `. Blocks are referred to without quotes: ` + "`source = source.postgres.erp`" + `.
- **Tables** are named by globs: ` + "`*`" + ` stands for any characters, ` + "`/`" + ` included, ` + "`?`" + ` for one, ` + "`\\`" + ` takes the next character as it is (in a
  quoted text it is written twice). Upper and lower case differ. An unescaped dot ends the name of a schema; without one the source's own schema is meant.
- **Groups** are tried in order: the first that matches a table has it. An ` + "`exclude`" + ` wins over all groups. Without a group, one group has all tables.
  A table is named exactly in one group only.
- **Secrets** are never written in a spec. A sensitive argument takes ` + "`env(\"NAME\")`" + `, ` + "`sensitive(file(\"PATH\"))`" + ` or a variable with ` + "`sensitive = true`" + ` and
  no default. An environment variable that is not set is an error only when the provider connects, so that CI validates without secrets. Sensitive values
  are taken by arguments of providers only: all others are printed and stored in plans.
- **Variables** take their value from, the later one winning: their default, the environment (` + "`DMO_VAR_NAME`" + `), ` + "`dmo.dmovars`" + `, ` + "`*.auto.dmovars`" + ` by name,
  then ` + "`--var`" + ` and ` + "`--var-file`" + ` in the order of the command line. Other users of a machine see ` + "`--var`" + ` in the list of processes.
- **Dynamic blocks** make nested blocks: ` + "`dynamic \"table_group\" { for_each = ...  labels = [...]  content { ... } }`" + `.
- The **digest** that a saved plan is bound to leaves out connection arguments, sensitive values, the state's place and the layout of files.
- A file has at most 1 MiB, and expressions nest at most 250 deep. Long lists of tables go into a text file: ` + "`compact(split(\"\\n\", file(\"tables.txt\")))`" + `.

`
