package engine

import (
	"maps"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// function is one of SQL's, or of a package that comes with the server.
type function struct {
	min, max int  // arguments; max -1 has no bound
	nulls    bool // it sees NULL arguments; else its result is NULL with one
	grant    string
	check    func(a []Type) error // of the arguments' types; nil takes all
	typ      func(a []Type) Type
	eval     func(r *run, a []typed) ([]byte, error)
}

// functions are all that are known.
func functions() map[string]*function {
	out := make(map[string]*function)
	for _, list := range []map[string]*function{textFunctions(), numberFunctions(), dateFunctions(), generalFunctions(), lobFunctions(), serverFunctions()} {
		maps.Copy(out, list)
	}
	return out
}

func (c *compiler) call(x *store.Call) (expr, error) {
	name := x.Name
	if x.Schema != "" {
		name = x.Schema + "." + x.Name
	}
	if x.Over != nil {
		return expr{}, ora.At(x.Pos, 3001, "unimplemented feature")
	}
	if isAggregate(name) {
		return expr{}, ora.At(x.Pos, 934, "group function is not allowed here")
	}
	f := c.db().functions[name]
	if f == nil || f.grant != "" && !c.s.executes(f.grant) {
		return expr{}, ora.At(x.Pos, 904, "%q: invalid identifier", name)
	}
	if x.Star || x.Distinct {
		return expr{}, ora.At(x.Pos, 936, "missing expression")
	}
	if len(x.Args) < f.min {
		return expr{}, ora.At(x.Pos, 938, "not enough arguments for function")
	}
	if f.max >= 0 && len(x.Args) > f.max {
		return expr{}, ora.At(x.Pos, 939, "too many arguments for function")
	}
	args := make([]expr, len(x.Args))
	for i, a := range x.Args {
		var err error
		if args[i], err = c.expr(a); err != nil {
			return expr{}, err
		}
	}
	return c.apply(f, args)
}

func (c *compiler) apply(f *function, args []expr) (expr, error) {
	types := make([]Type, len(args))
	for i, a := range args {
		if types[i] = a.typ; a.typ.long() {
			return expr{}, ora.Errorf(997, "illegal use of LONG datatype")
		}
	}
	if f.check != nil {
		if err := f.check(types); err != nil {
			return expr{}, err
		}
	}
	t := f.typ(types)
	return expr{typ: t, eval: func(e *env) ([]byte, error) {
		vals := make([]typed, len(args))
		for i, a := range args {
			v, err := a.eval(e)
			if err != nil || v == nil && !f.nulls {
				return nil, err
			}
			vals[i] = typed{a.typ, v}
		}
		return f.eval(e.run, vals)
	}}, nil
}

// executes says whether the session may run a package that is not granted to PUBLIC.
func (s *Session) executes(name string) bool {
	return s.user.has("EXECUTE ON "+name, "EXECUTE ANY PROCEDURE") || s.user.name == "SYS"
}

// Helpers of the functions.

func (r *run) str(a typed) (string, error) { return r.s.toText(a.typ, a.v) }

func (r *run) strs(list []typed) ([]string, error) {
	out := make([]string, len(list))
	for i, a := range list {
		var err error
		if out[i], err = r.str(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *run) dec(a typed) (value.Dec, error) { return r.s.toNumber(a.typ, a.v) }

// int takes an argument without its fraction.
func (r *run) int(a typed) (int, error) {
	d, err := r.dec(a)
	if err != nil {
		return 0, err
	}
	n, ok := d.Int64()
	if !ok {
		return 0, ora.Errorf(1426, "numeric overflow")
	}
	return int(n), nil
}

// encode writes text in the database's charset; none is NULL.
func (r *run) encode(t Type, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return t.charset(r.s.db.Charset).Encode(text), nil
}

func fixedType(t Type) func([]Type) Type { return func([]Type) Type { return t } }

// like is the type of the first argument as text of varying length.
func likeText(a []Type) Type {
	t := a[0]
	if t.Kind == Clob || t.Kind == NClob {
		return t
	}
	out := varchar(max(1, t.displaySize()))
	if t.national() {
		out.Kind = NVarchar
	}
	return out
}

func longText(a []Type) Type {
	t := likeText(a)
	if t.text() {
		t.Length, t.Chars = 4000, 4000
	}
	return t
}

// noLob refuses large objects, as functions of numbers and dates do.
func noLob(a []Type) error {
	for _, t := range a {
		if t.lob() || t.Kind >= XML {
			return inconsistent(varchar(1), t)
		}
	}
	return nil
}

func dec(d value.Dec, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return d.Encode()
}

func intValue(n int) ([]byte, error) { return value.IntDec(int64(n)).Encode() }
