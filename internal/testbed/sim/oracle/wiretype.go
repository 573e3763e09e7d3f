package oracle

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/engine"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ttc"
)

// Type numbers on the wire (parameter.go of go-ora).
const (
	dtyVarchar     = 1
	dtyNumber      = 2
	dtyInteger     = 3
	dtyLong        = 8
	dtyVarchar9    = 9
	dtyRowid       = 11
	dtyDate        = 12
	dtyRaw         = 23
	dtyLongRaw     = 24
	dtyLongVarchar = 94
	dtyLongVarRaw  = 95
	dtyChar        = 96
	dtyFloat       = 100
	dtyDouble      = 101
	dtyClob        = 112
	dtyBlob        = 113
	dtyTimestamp   = 180
	dtyTimestampTZ = 181
	dtyIntervalYM  = 182
	dtyIntervalDS  = 183
	dtyStamp       = 187
	dtyStampTZ     = 188
	dtyYM          = 189
	dtyDS          = 190
	dtyUrowid      = 208
	dtyTimestampLT = 231
	dtyStampLTZ    = 232
)

// wireType is a column as a description has it.
type wireType struct {
	dty       byte
	precision byte
	scale     int
	size      int
	chars     int
	national  bool
	text      bool
}

// describe gives how a type is sent. Types that the simulator does not send are ORA-03115 (assumption: a
// real server sends them as objects or in formats of their own).
func describe(t engine.Type) (wireType, error) {
	w := wireType{size: t.Length}
	switch t.Kind {
	case engine.Null:
		w.dty, w.text = dtyVarchar, true
	case engine.Varchar, engine.NVarchar:
		w.dty, w.text = dtyVarchar, true
	case engine.Char, engine.NChar:
		w.dty, w.text = dtyChar, true
	case engine.Number:
		w.dty, w.size = dtyNumber, 22
		w.precision, w.scale = numberShape(t)
	case engine.Date:
		w.dty, w.size = dtyDate, 7
	case engine.Timestamp:
		w.dty, w.size, w.scale = dtyTimestamp, 11, t.Scale
	case engine.TimestampTZ:
		w.dty, w.size, w.scale = dtyTimestampTZ, 13, t.Scale
	case engine.TimestampLTZ:
		w.dty, w.size, w.scale = dtyTimestampLT, 11, t.Scale
	case engine.IntervalYM:
		w.dty, w.size, w.precision = dtyIntervalYM, 5, byte(t.Precision)
	case engine.IntervalDS:
		w.dty, w.size, w.precision, w.scale = dtyIntervalDS, 11, byte(t.Precision), t.Scale
	case engine.Raw:
		w.dty = dtyRaw
	case engine.BinaryFloat:
		w.dty, w.size = dtyFloat, 4
	case engine.BinaryDouble:
		w.dty, w.size = dtyDouble, 8
	case engine.Clob, engine.NClob:
		w.dty, w.size, w.text = dtyClob, 4000, true
	case engine.Blob:
		w.dty, w.size = dtyBlob, 4000
	case engine.Long:
		w.dty, w.text = dtyLong, true
	case engine.LongRaw:
		w.dty = dtyLongRaw
	case engine.RowID:
		w.dty, w.size = dtyRowid, 16
	case engine.URowID:
		w.dty, w.size = dtyUrowid, 4000
	default:
		return w, ora.Errorf(3115, "unsupported network datatype or representation")
	}
	w.national = t.Kind == engine.NVarchar || t.Kind == engine.NChar || t.Kind == engine.NClob
	if w.dty == dtyVarchar || w.dty == dtyChar {
		w.chars = t.Chars
	}
	return w, nil
}

// numberShape gives precision and scale: 0 and -127 for NUMBER, bits and -127 for FLOAT.
func numberShape(t engine.Type) (precision byte, scale int) {
	switch {
	case t.Float:
		return byte(t.Precision), -127
	case !t.HasPrec && !t.HasScale:
		return 0, -127
	case !t.HasPrec:
		return 38, t.Scale
	}
	return byte(t.Precision), t.Scale
}

// writeDescribe writes message 16: the columns of a query.
func (s *session) writeDescribe(w *ttc.Writer, cols []engine.OutColumn) error {
	w.U8(ttc.MsgDescribe, 1, 0)
	w.Int(4000) // row size
	w.Int(len(cols))
	if len(cols) > 0 {
		w.U8(0)
	}
	for i, c := range cols {
		t, err := describe(c.Type)
		if err != nil {
			return err
		}
		s.writeColumn(w, i, c, t)
	}
	w.DLC([]byte{120, 124, 1, 1, 1, 1, 1}) // current date
	w.U8(0, 0, 0, 0)
	w.DLC(nil)
	return nil
}

func (s *session) writeColumn(w *ttc.Writer, i int, c engine.OutColumn, t wireType) {
	w.U8(t.dty, 0, t.precision)
	wide := false
	switch t.dty {
	case dtyNumber, dtyTimestamp, dtyTimestampTZ, dtyTimestampLT, dtyIntervalDS:
		wide = s.nego.WideScale
	}
	if wide {
		w.SB(t.scale)
	} else {
		w.U8(byte(t.scale))
	}
	w.Int(t.size)
	w.U8(0, 0) // array elements, flags
	w.DLC(nil) // type's object id
	w.U8(0)    // version
	switch {
	case t.national:
		w.Int(ttc.CharsetUTF16)
		w.U8(2)
	case t.text:
		w.Int(int(s.nego.Charset))
		w.U8(1)
	default:
		w.U8(0, 0)
	}
	w.Int(t.chars)
	w.U8(0) // collation
	nullable := byte(1)
	if c.NotNull {
		nullable = 0
	}
	name := s.toClient(c.Name)
	w.U8(nullable, byte(min(len(name), 30)))
	w.DLC(name)
	w.DLC(nil) // schema
	w.DLC(nil) // type
	w.Int(i + 1)
	w.U8(0) // flags
}
