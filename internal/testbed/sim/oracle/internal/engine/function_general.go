package engine

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

func generalFunctions() map[string]*function {
	return map[string]*function{
		"NVL":      {min: 2, max: 2, nulls: true, check: agree(0), typ: commonType(0), eval: coalesce(0)},
		"COALESCE": {min: 2, max: -1, nulls: true, check: agree(0), typ: commonType(0), eval: coalesce(0)},
		"NVL2": {min: 3, max: 3, nulls: true, check: agree(1), typ: commonType(1), eval: func(r *run, a []typed) ([]byte, error) {
			t := commonType(0)([]Type{a[1].typ, a[2].typ})
			pick := a[2]
			if a[0].v != nil {
				pick = a[1]
			}
			return r.s.branch(t, constant(pick.typ, pick.v), nil)
		}},
		"NULLIF": {min: 2, max: 2, nulls: true, typ: func(a []Type) Type { return a[0] }, eval: func(r *run, a []typed) ([]byte, error) {
			same, err := r.same(a[0], a[1])
			if err != nil || same && a[0].v != nil {
				return nil, err
			}
			return a[0].v, nil
		}},
		"DECODE":      {min: 3, max: 255, nulls: true, typ: decodeType, eval: decode},
		"GREATEST":    {min: 1, max: -1, check: agree(0), typ: commonType(0), eval: extreme(1)},
		"LEAST":       {min: 1, max: -1, check: agree(0), typ: commonType(0), eval: extreme(-1)},
		"DUMP":        {min: 1, max: 2, nulls: true, typ: fixedType(varchar(4000)), eval: dump},
		"VSIZE":       {min: 1, max: 1, typ: fixedType(number()), eval: func(r *run, a []typed) ([]byte, error) { return intValue(len(a[0].v)) }},
		"RAWTOHEX":    {min: 1, max: 1, typ: fixedType(varchar(4000)), eval: rawToHex},
		"HEXTORAW":    {min: 1, max: 1, check: noLob, typ: func(a []Type) Type { return Type{Kind: Raw, Length: max(1, (a[0].displaySize()+1)/2)} }, eval: hexToRaw},
		"CHARTOROWID": {min: 1, max: 1, check: noLob, typ: fixedType(Type{Kind: RowID}), eval: func(r *run, a []typed) ([]byte, error) { return r.s.assign(Type{Kind: RowID}, a[0].typ, a[0].v) }},
		"ROWIDTOCHAR": {min: 1, max: 1, check: noLob, typ: fixedType(varchar(18)), eval: func(r *run, a []typed) ([]byte, error) {
			s, err := r.str(a[0])
			return []byte(s), err
		}},
		"UTL_RAW.CAST_TO_RAW": {min: 1, max: 1, check: noLob, typ: fixedType(Type{Kind: Raw, Length: 2000}), eval: func(r *run, a []typed) ([]byte, error) {
			return a[0].v, nil
		}},
	}
}

func agree(from int) func([]Type) error {
	return func(a []Type) error {
		_, err := common(a[from:])
		return err
	}
}

func commonType(from int) func([]Type) Type {
	return func(a []Type) Type {
		t, err := common(a[from:])
		if err != nil {
			return a[from] // check refused it before
		}
		if t.Kind == Char {
			t.Kind = Varchar
		}
		return t
	}
}

func coalesce(from int) func(r *run, a []typed) ([]byte, error) {
	return func(r *run, a []typed) ([]byte, error) {
		types := make([]Type, len(a))
		for i := range a {
			types[i] = a[i].typ
		}
		t := commonType(from)(types)
		for _, x := range a {
			if x.v != nil {
				return r.s.branch(t, constant(x.typ, x.v), nil)
			}
		}
		return nil, nil
	}
}

// same compares two values; NULL equals NULL, as in DECODE.
func (r *run) same(a, b typed) (bool, error) {
	if a.v == nil || b.v == nil {
		return a.v == nil && b.v == nil, nil
	}
	compare, err := r.s.comparer(a.typ, b.typ)
	if err != nil {
		return false, err
	}
	n, err := compare(a.v, b.v)
	return n == 0, err
}

func decodeResults(n int) []int {
	var out []int
	for i := 2; i < n; i += 2 {
		out = append(out, i)
	}
	if n%2 == 0 {
		out = append(out, n-1)
	}
	return out
}

func decodeType(a []Type) Type {
	t := a[2]
	for _, i := range decodeResults(len(a)) {
		if t.Kind == Null {
			t = a[i]
		}
		if t.text() && a[i].text() {
			t.Kind = Varchar
			t.Length, t.Chars = max(t.Length, a[i].Length), max(t.Chars, a[i].Chars)
		}
	}
	return t
}

func decode(r *run, a []typed) ([]byte, error) {
	types := make([]Type, len(a))
	for i := range a {
		types[i] = a[i].typ
	}
	t := decodeType(types)
	for i := 1; i+1 < len(a); i += 2 {
		ok, err := r.same(a[0], a[i])
		if err != nil {
			return nil, err
		}
		if ok {
			return r.s.branch(t, constant(a[i+1].typ, a[i+1].v), nil)
		}
	}
	if len(a)%2 == 0 {
		last := a[len(a)-1]
		return r.s.branch(t, constant(last.typ, last.v), nil)
	}
	return nil, nil
}

func extreme(sign int) func(r *run, a []typed) ([]byte, error) {
	return func(r *run, a []typed) ([]byte, error) {
		best := a[0]
		for _, x := range a[1:] {
			compare, err := r.s.comparer(x.typ, best.typ)
			if err != nil {
				return nil, err
			}
			n, err := compare(x.v, best.v)
			if err != nil {
				return nil, err
			}
			if n*sign > 0 {
				best = x
			}
		}
		types := make([]Type, len(a))
		for i := range a {
			types[i] = a[i].typ
		}
		return r.s.branch(commonType(0)(types), constant(best.typ, best.v), nil)
	}
}

// typeCode is the number that DUMP shows (SQL Language Reference, "Oracle Built-in Data Types").
func (t Type) typeCode() int {
	return map[Kind]int{Varchar: 1, NVarchar: 1, Number: 2, Long: 8, Date: 12, Raw: 23, LongRaw: 24, RowID: 69, Char: 96, NChar: 96,
		BinaryFloat: 100, BinaryDouble: 101, Clob: 112, NClob: 112, Blob: 113, BFile: 114, Timestamp: 180, TimestampTZ: 181,
		IntervalYM: 182, IntervalDS: 183, URowID: 208, TimestampLTZ: 231}[t.Kind]
}

func dump(r *run, a []typed) ([]byte, error) {
	if a[0].v == nil {
		return []byte("NULL"), nil
	}
	format := 10
	if len(a) > 1 {
		var err error
		if format, err = r.int(a[1]); err != nil {
			return nil, err
		}
	}
	out := fmt.Sprintf("Typ=%d Len=%d: ", a[0].typ.typeCode(), len(a[0].v))
	for i, b := range a[0].v {
		if i > 0 {
			out += ","
		}
		if format%1000 == 16 {
			out += fmt.Sprintf("%x", b)
		} else {
			out += fmt.Sprint(b)
		}
	}
	return []byte(out[:min(len(out), 4000)]), nil
}

func rawToHex(r *run, a []typed) ([]byte, error) {
	return []byte(strings.ToUpper(hex.EncodeToString(a[0].v))), nil
}

func hexToRaw(r *run, a []typed) ([]byte, error) {
	s, err := r.str(a[0])
	if err != nil {
		return nil, err
	}
	if len(s)%2 == 1 {
		s = "0" + s
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, ora.Errorf(1465, "invalid hex number")
	}
	return b, nil
}

func onlyLarge(a []Type) error {
	if !a[0].lob() && !a[0].text() && a[0].Kind != Raw && a[0].Kind != Null {
		return ora.Errorf(6553, "PLS-306: wrong number or types of arguments in call to 'DBMS_LOB'")
	}
	return nil
}

func lobFunctions() map[string]*function {
	return map[string]*function{
		"EMPTY_CLOB": {typ: fixedType(Type{Kind: Clob}), eval: func(*run, []typed) ([]byte, error) { return []byte{}, nil }},
		"EMPTY_BLOB": {typ: fixedType(Type{Kind: Blob}), eval: func(*run, []typed) ([]byte, error) { return []byte{}, nil }},
		"TO_CLOB":    {min: 1, max: 1, typ: fixedType(Type{Kind: Clob}), eval: func(r *run, a []typed) ([]byte, error) { return r.s.assign(Type{Kind: Clob}, a[0].typ, a[0].v) }},
		"TO_NCLOB":   {min: 1, max: 1, typ: fixedType(Type{Kind: NClob}), eval: func(r *run, a []typed) ([]byte, error) { return r.s.assign(Type{Kind: NClob}, a[0].typ, a[0].v) }},
		"TO_BLOB":    {min: 1, max: 1, typ: fixedType(Type{Kind: Blob}), eval: func(r *run, a []typed) ([]byte, error) { return r.s.assign(Type{Kind: Blob}, a[0].typ, a[0].v) }},
		"XMLTYPE":    {min: 1, max: 1, typ: fixedType(Type{Kind: XML}), eval: func(r *run, a []typed) ([]byte, error) { return r.s.assign(Type{Kind: XML}, a[0].typ, a[0].v) }},
		"DBMS_LOB.GETLENGTH": {min: 1, max: 1, check: onlyLarge, typ: fixedType(number()), eval: func(r *run, a []typed) ([]byte, error) {
			if a[0].typ.Kind == Blob || a[0].typ.Kind == Raw {
				return intValue(len(a[0].v))
			}
			return intValue(len(value.Units(r.s.text(a[0].typ, a[0].v))))
		}},
		"DBMS_LOB.SUBSTR": {min: 1, max: 3, check: onlyLarge, typ: lobSubstrType, eval: lobSubstr},
	}
}

func lobSubstrType(a []Type) Type {
	switch a[0].Kind {
	case Blob, Raw:
		return Type{Kind: Raw, Length: 2000}
	case NClob, NVarchar, NChar:
		return Type{Kind: NVarchar, Length: 4000, Chars: 2000}
	}
	return varchar(4000)
}

// lobSubstr reads amount from an offset; what does not fit into the SQL type is ORA-06502.
func lobSubstr(r *run, a []typed) ([]byte, error) {
	amount, offset := 32767, 1
	for i, p := range []*int{&amount, &offset} {
		if len(a) > 1+i {
			var err error
			if *p, err = r.int(a[1+i]); err != nil {
				return nil, err
			}
		}
	}
	if amount < 1 || offset < 1 {
		return nil, nil
	}
	t := lobSubstrType([]Type{a[0].typ})
	var out []byte
	if t.Kind == Raw {
		from := min(offset-1, len(a[0].v))
		out = a[0].v[from:min(len(a[0].v), from+amount)]
	} else {
		chars := value.UTF16.Characters(value.UTF16.Encode(r.s.text(a[0].typ, a[0].v)))
		out = t.charset(r.s.db.Charset).Encode(value.UTF16.Decode(cut(chars, offset, amount)))
	}
	if len(out) > t.Length {
		return nil, ora.Errorf(6502, "PL/SQL: numeric or value error: character string buffer too small")
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func serverFunctions() map[string]*function {
	num := fixedType(number())
	part := func(from, to int) *function {
		return &function{min: 1, max: 1, typ: num, eval: func(r *run, a []typed) ([]byte, error) {
			n := 0
			for _, b := range a[0].v[from:to] {
				n = n<<8 | int(b)
			}
			return intValue(n)
		}}
	}
	return map[string]*function{
		"DBMS_ROWID.ROWID_OBJECT":       part(0, 4),
		"DBMS_ROWID.ROWID_RELATIVE_FNO": part(4, 6),
		"DBMS_ROWID.ROWID_BLOCK_NUMBER": part(6, 10),
		"DBMS_ROWID.ROWID_ROW_NUMBER":   part(10, 12),
		"DBMS_ROWID.ROWID_CREATE": {min: 5, max: 5, typ: fixedType(Type{Kind: RowID}), eval: func(r *run, a []typed) ([]byte, error) {
			var n [5]int
			for i := range a {
				var err error
				if n[i], err = r.int(a[i]); err != nil {
					return nil, err
				}
			}
			return value.RowID(uint32(n[1]), uint16(n[2]), uint32(n[3]), uint16(n[4])), nil
		}},
		"DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER": {grant: "DBMS_FLASHBACK", typ: num, eval: func(r *run, _ []typed) ([]byte, error) {
			return intValue(int(r.s.db.scn))
		}},
		"TIMESTAMP_TO_SCN": {min: 1, max: 1, check: noLob, typ: num, eval: timestampToSCN},
		"SCN_TO_TIMESTAMP": {min: 1, max: 1, check: noLob, typ: fixedType(Type{Kind: Timestamp, Scale: 9}), eval: scnToTimestamp},
		"SYS_CONTEXT":      {min: 2, max: 3, typ: fixedType(varchar(256)), eval: sysContext},
		"SYS_GUID": {typ: fixedType(Type{Kind: Raw, Length: 16}), eval: func(r *run, _ []typed) ([]byte, error) {
			return fmt.Appendf(nil, "%016x", r.now.UnixNano()), nil
		}},
	}
}

func sysContext(r *run, a []typed) ([]byte, error) {
	s, err := r.strs(a)
	if err != nil {
		return nil, err
	}
	if strings.ToUpper(s[0]) != "USERENV" {
		return nil, nil
	}
	id, _ := r.s.ID()
	known := map[string]string{
		"SESSION_USER": r.s.user.name, "CURRENT_USER": r.s.user.name, "CURRENT_SCHEMA": r.s.schema,
		"DB_NAME": r.s.db.Name, "DB_UNIQUE_NAME": r.s.db.Name, "CON_NAME": r.s.db.Name, "INSTANCE_NAME": r.s.db.Name,
		"SID": fmt.Sprint(id), "SESSIONID": fmt.Sprint(id), "MODULE": r.s.program, "ISDBA": "FALSE",
		"NLS_DATE_FORMAT": r.s.nls["NLS_DATE_FORMAT"], "SERVER_HOST": "localhost",
	}
	v, ok := known[strings.ToUpper(s[1])]
	if !ok {
		return nil, ora.Errorf(2003, "invalid USERENV parameter")
	}
	return []byte(v), nil
}

// timestampToSCN finds the newest commit up to a time; ORA-08180 before the database was made and after now.
func timestampToSCN(r *run, a []typed) ([]byte, error) {
	c, err := r.s.toCivil(a[0].typ, a[0].v, Timestamp)
	if err != nil {
		return nil, err
	}
	if c, err = c.UTC(); err != nil {
		return nil, err
	}
	at := time.Date(c.Year, time.Month(c.Month), c.Day, c.Hour, c.Minute, c.Second, c.Nano, time.UTC)
	if at.Before(r.s.db.started) || at.After(now().Add(3*time.Second)) {
		return nil, ora.Errorf(8180, "no snapshot found based on specified time")
	}
	scn := uint64(firstSCN)
	for _, x := range r.s.db.commits {
		if x.at.After(at) {
			break
		}
		scn = x.scn
	}
	return intValue(int(scn))
}

func scnToTimestamp(r *run, a []typed) ([]byte, error) {
	n, err := r.int(a[0])
	if err != nil || n < firstSCN || uint64(n) > r.s.db.scn {
		return nil, ora.Errorf(8181, "specified number is not a valid system change number")
	}
	at := r.s.db.started
	for _, x := range r.s.db.commits {
		if x.scn > uint64(n) {
			break
		}
		at = x.at
	}
	return civilOf(at).Timestamp(), nil
}
