package oracle

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/engine"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ttc"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// oac describes a bind or a define as the client sends it (ParameterInfo.write of go-ora).
type oac struct {
	dty   byte
	size  int
	array int
	flags uint64
	form  byte
}

func (s *session) readOAC() (oac, error) {
	c := s.conn
	var o oac
	head, err := c.Bytes(4)
	if err != nil {
		return o, err
	}
	o.dty = head[0]
	var toid int
	for _, p := range []*int{&o.size, &o.array} {
		if *p, err = c.Int(); err != nil {
			return o, errUnreadable
		}
	}
	if o.flags, err = c.UB(8); err != nil {
		return o, errUnreadable
	}
	if toid, err = c.Int(); err != nil {
		return o, errUnreadable
	}
	if toid > 0 {
		if _, _, err := c.CLR(); err != nil {
			return o, err
		}
	}
	if _, err = c.Int(); err != nil { // version
		return o, errUnreadable
	}
	if _, err = c.Int(); err != nil {
		return o, errUnreadable
	}
	if o.form, err = c.U8(); err != nil {
		return o, err
	}
	for range 2 { // characters, collation
		if _, err = c.Int(); err != nil {
			return o, errUnreadable
		}
	}
	return o, nil
}

// long says whether a bind's values come behind those of the others.
func (o oac) long(most int) bool {
	switch o.dty {
	case dtyLong, dtyLongRaw, dtyLongVarchar, dtyLongVarRaw:
		return true
	case dtyClob, dtyBlob:
		return false
	}
	return o.size > most
}

// readBinds reads the values of so many sets, each in a message 7.
func (x *execution) readBinds(list []oac, sets int) error {
	s := x.s
	x.binds = make([]engine.Bind, len(list))
	most := 4000
	if s.srv.opt.ExtendedStrings {
		most = 32767
	}
	for range sets {
		kind, err := s.conn.U8()
		if err != nil {
			return err
		}
		if kind != ttc.MsgRowData {
			return errUnreadable
		}
		for _, late := range []bool{false, true} {
			for i, o := range list {
				if o.long(most) != late {
					continue
				}
				t, v, err := s.readValue(o)
				if ora.Code(err) != 0 {
					x.err, err = err, nil
				}
				if err != nil {
					return err
				}
				if v != nil || x.binds[i].Rows == nil {
					x.binds[i].Type = t
				}
				x.binds[i].Rows = append(x.binds[i].Rows, v)
			}
		}
	}
	if x.cursor != nil {
		x.cursor.maxes = list
	} else {
		x.s.pending = list
	}
	return nil
}

// readValue reads one value of a bind.
func (s *session) readValue(o oac) (engine.Type, []byte, error) {
	if o.array > 0 {
		return engine.Type{}, nil, errUnreadable
	}
	if o.dty == dtyClob || o.dty == dtyBlob {
		n, err := s.conn.Int()
		if err != nil || n == 0 {
			return engine.Type{Kind: engine.Null}, nil, err
		}
		b, _, err := s.conn.CLR()
		if err != nil {
			return engine.Type{}, nil, err
		}
		return s.lobValue(b)
	}
	b, null, err := s.conn.CLR()
	if err != nil {
		return engine.Type{}, nil, err
	}
	t, ok := s.bindType(o)
	if !ok {
		return t, nil, ora.Errorf(3115, "unsupported network datatype or representation")
	}
	if null {
		return t, nil, nil
	}
	switch t.Kind {
	case engine.Varchar, engine.Long:
		if s.recode {
			b = s.srv.charset().Encode(s.clientCharset().Decode(b))
		}
	case engine.Number:
		if _, err := value.DecodeNumber(b); err != nil {
			return t, nil, err
		}
	}
	if t.Kind == engine.Varchar || t.Kind == engine.NVarchar || t.Kind == engine.Raw {
		t.Length, t.Chars = max(len(b), 1), max(len(b), 1)
	}
	return t, b, nil
}

// bindType is the type of a bind's values.
func (s *session) bindType(o oac) (engine.Type, bool) {
	switch o.dty {
	case dtyVarchar, dtyVarchar9, dtyChar, dtyRowid, dtyUrowid, dtyLong, dtyLongVarchar:
		switch {
		case o.form == 2:
			return engine.Type{Kind: engine.NVarchar, Length: 1, Chars: 1}, true
		case o.dty == dtyLong || o.dty == dtyLongVarchar:
			return engine.Type{Kind: engine.Long}, true
		}
		return engine.Type{Kind: engine.Varchar, Length: 1, Chars: 1}, true
	case dtyNumber, dtyInteger:
		return engine.Type{Kind: engine.Number}, true
	case dtyDate:
		return engine.Type{Kind: engine.Date}, true
	case dtyTimestamp, dtyStamp:
		return engine.Type{Kind: engine.Timestamp, Scale: 9}, true
	case dtyTimestampTZ, dtyStampTZ:
		return engine.Type{Kind: engine.TimestampTZ, Scale: 9}, true
	case dtyTimestampLT, dtyStampLTZ:
		return engine.Type{Kind: engine.TimestampLTZ, Scale: 9}, true
	case dtyRaw:
		return engine.Type{Kind: engine.Raw, Length: 1}, true
	case dtyLongRaw, dtyLongVarRaw:
		return engine.Type{Kind: engine.LongRaw}, true
	case dtyFloat:
		return engine.Type{Kind: engine.BinaryFloat}, true
	case dtyDouble:
		return engine.Type{Kind: engine.BinaryDouble}, true
	case dtyIntervalYM, dtyYM:
		return engine.Type{Kind: engine.IntervalYM, Precision: 9}, true
	case dtyIntervalDS, dtyDS:
		return engine.Type{Kind: engine.IntervalDS, Precision: 9, Scale: 9}, true
	}
	return engine.Type{}, false
}
