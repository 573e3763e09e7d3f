package hana

import (
	"encoding/binary"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// handle runs one request.
func (s *session) handle(req *request) *reply {
	s.takeClientInfo(req)
	r, err := s.dispatch(req)
	if err != nil {
		return s.failed(err)
	}
	return r
}

// failed answers an error; those of whole transactions end it.
func (s *session) failed(err error) *reply {
	e := asError(err)
	r := failure(e)
	if rollsBack[e.Code] && !e.keeps {
		s.rollback()
	}
	return r
}

func (s *session) dispatch(req *request) (*reply, error) {
	s.auto = req.commit
	switch req.kind {
	case typeDirect:
		return s.direct(req)
	case typePrepare:
		return s.prepare(req)
	case typeExecute:
		return s.execute(req)
	case typeFetch:
		return s.fetch(req)
	case typeCloseResult:
		if c := s.cursorOf(req); c != nil {
			s.closeCursor(c)
		}
		return &reply{function: funcClose}, nil
	case typeDropStatement:
		if p := req.part(partStatementID); p != nil && len(p.data) == 8 {
			delete(s.statements, binary.LittleEndian.Uint64(p.data))
		}
		return &reply{}, nil
	case typeCommit:
		s.srv.note("COMMIT")
		return &reply{function: funcCommit, parts: flags(1)}, s.commit()
	case typeRollback:
		s.srv.note("ROLLBACK")
		s.rollback()
		return &reply{function: funcRollback, parts: flags(0)}, nil
	case typeReadLobEither, typeWriteLobEither:
		if p := req.part(partReadLobRequest); p != nil {
			return s.readLob(p)
		}
		if p := req.part(partWriteLobRequest); p != nil {
			return s.writeLob(p)
		}
	case typeConnectInfo:
		r := &reply{}
		r.add(partConnectInfo, 1, appendOptions([]option{{4, true}}))
		return r, nil
	}
	return nil, &Error{Code: 1033, Text: fmt.Sprintf("error while parsing protocol: message type %d", req.kind)}
}

// flags is the part that tells how a transaction ended: 0 rolled back, 1 committed.
func flags(which byte) []part {
	return []part{{kind: partTransactionFlags, count: 1, data: []byte{which, codeBoolean, 1}}}
}

// direct runs a statement without parameters.
func (s *session) direct(req *request) (*reply, error) {
	p := req.part(partCommand)
	if p == nil {
		return nil, errParameters
	}
	text, err := fromCESU8(p.data)
	if err != nil {
		return nil, err
	}
	s.srv.note(text)
	s.ageLocators()
	cmd, err := s.compile(text)
	if err != nil {
		return nil, err
	}
	if len(cmd.params) > 0 {
		return nil, &Error{Code: 340, Text: "not all variables bound"}
	}
	return s.run(&execution{cmd: cmd, direct: true, fetch: fetchSize(req), rows: 1})
}

func fetchSize(req *request) int {
	if p := req.part(partFetchSize); p != nil && len(p.data) >= 4 {
		return int(int32(binary.LittleEndian.Uint32(p.data)))
	}
	return 0
}

func (s *session) prepare(req *request) (*reply, error) {
	p := req.part(partCommand)
	if p == nil {
		return nil, errParameters
	}
	text, err := fromCESU8(p.data)
	if err != nil {
		return nil, err
	}
	s.ageLocators()
	cmd, err := s.compile(text)
	if err != nil {
		return nil, err
	}
	id := s.newID()
	s.statements[id] = &statement{text: text, cmd: cmd}
	r := &reply{function: cmd.function}
	r.add(partStatementID, 1, binary.LittleEndian.AppendUint64(nil, id))
	if len(cmd.params) > 0 {
		r.add(partParameterMetadata, len(cmd.params), s.parameterMetadata(cmd.params))
	}
	if cmd.query != nil {
		r.add(partResultMetadata, len(cmd.columns), s.resultMetadata(cmd.columns))
	}
	return r, nil
}

// parameterMetadata describes placeholders (go-hdb, protocol/parameter.go).
func (s *session) parameterMetadata(params []store.Type) []byte {
	le := binary.LittleEndian
	var b []byte
	for _, t := range params {
		mode := byte(2) // NULL is allowed
		if t.NotNull {
			mode = 1
		}
		length, scale := wireSizes(t)
		b = append(b, mode, wireCode(t, s.format), 1, 0)
		b = le.AppendUint32(b, 0xffffffff)
		b = le.AppendUint16(b, uint16(length))
		b = le.AppendUint16(b, uint16(scale))
		b = le.AppendUint32(b, 0)
	}
	return b
}

// resultMetadata describes columns (go-hdb, protocol/result.go).
func (s *session) resultMetadata(columns []store.Column) []byte {
	le := binary.LittleEndian
	var b, names []byte
	offsets := make(map[string]uint32)
	name := func(n string) uint32 {
		if n == "" {
			return 0xffffffff
		}
		if at, ok := offsets[n]; ok {
			return at
		}
		at := uint32(len(names))
		offsets[n] = at
		text := appendCESU8(nil, n)
		names = append(appendLength(names, len(text)), text...)
		return at
	}
	for _, c := range columns {
		mode := byte(2)
		if c.Type.NotNull {
			mode = 1
		}
		length, scale := wireSizes(c.Type)
		b = append(b, mode, wireCode(c.Type, s.format))
		b = le.AppendUint16(b, uint16(scale))
		b = le.AppendUint16(b, uint16(length))
		b = le.AppendUint16(b, 0)
		b = le.AppendUint32(b, name(c.Table))
		b = le.AppendUint32(b, name(c.Schema))
		b = le.AppendUint32(b, name(c.Origin))
		b = le.AppendUint32(b, name(c.Name))
	}
	return append(b, names...)
}

// execute runs a prepared statement.
func (s *session) execute(req *request) (*reply, error) {
	st := s.statementOf(req)
	if st == nil {
		return nil, &Error{Code: 578, Text: "invalid statement"}
	}
	s.srv.note(st.text)
	s.ageLocators()
	if st.cmd.changes != s.db.changes.Load() {
		cmd, err := s.compile(st.text)
		if err != nil {
			return nil, err
		}
		if len(cmd.params) != len(st.cmd.params) {
			return nil, &Error{Code: 578, Text: "invalid statement: its table has changed"}
		}
		st.cmd = cmd
	}
	x := &execution{cmd: st.cmd, fetch: fetchSize(req), rows: 1}
	if p := req.part(partParameters); p != nil {
		x.params = &parameters{b: p.data, fields: st.cmd.params}
		x.rows = p.count
	}
	if len(st.cmd.params) > 0 && x.params == nil {
		return nil, &Error{Code: 340, Text: "not all variables bound"}
	}
	return s.run(x)
}
