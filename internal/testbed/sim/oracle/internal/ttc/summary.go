package ttc

import "fmt"

// RowID is the physical address of a row.
type RowID struct {
	Object uint32 // data object id
	File   uint16 // relative file number
	Block  uint32
	Slot   uint16
}

// Summary is the message that ends every reply (summary_object.go of go-ora, base.js of node-oracledb).
type Summary struct {
	Code     int // ORA-; 0 is success
	Message  string
	Position int
	Cursor   int
	Rows     uint64
	Open     bool // a transaction is open
	RowID    RowID
	Errors   []RowError // of an array DML with batch errors
}

// RowError is what became of one row of an array DML.
type RowError struct {
	Code    int
	Row     int // from 0
	Message string
}

const inTransaction = 2 // of the end-of-call status (TNS_EOCS_FLAGS_TXN_IN_PROGRESS)

// Summary writes the message that ends a reply.
func (w *Writer) Summary(s *Summary) {
	w.U8(MsgError)
	if s.Open {
		w.Int(inTransaction)
	} else {
		w.Int(0)
	}
	w.Int(0) // end-to-end sequence
	w.UB(s.Rows & 0xFFFFFFFF)
	w.Int(s.Code)
	w.U8(0, 0) // array element errors
	w.Int(s.Cursor)
	w.Int(s.Position)
	w.U8(0, 0) // statement type, fatal
	w.U8(0, 0) // flags, cursor options
	w.U8(0, 0) // UPI parameter, warning
	w.Int(int(s.RowID.Object))
	w.Int(int(s.RowID.File))
	w.U8(0)
	w.Int(int(s.RowID.Block))
	w.Int(int(s.RowID.Slot))
	w.U8(0)    // operating system error
	w.U8(0, 0) // statement and call numbers
	w.U8(0, 0) // padding, successful iterations
	w.U8(0)    // logical ROWID
	w.batchErrors(s.Errors)
	w.Int(s.Code)
	w.UB(s.Rows)
	if s.Code != 0 {
		w.CLR([]byte(fmt.Sprintf("ORA-%05d: %s\n", s.Code, s.Message)))
	}
}

func (w *Writer) batchErrors(list []RowError) {
	w.Int(len(list))
	if len(list) > 0 {
		w.U8(1) // not in pieces
		for _, e := range list {
			w.Int(e.Code)
		}
	}
	w.Int(len(list))
	if len(list) > 0 {
		w.U8(1)
		for _, e := range list {
			w.Int(e.Row)
		}
	}
	w.Int(len(list))
	if len(list) > 0 {
		w.U8(1)
		for _, e := range list {
			text := fmt.Sprintf("ORA-%05d: %s\n", e.Code, e.Message)
			w.Int(len(text))
			w.CLR([]byte(text))
			w.U8(0, 0)
		}
	}
}
