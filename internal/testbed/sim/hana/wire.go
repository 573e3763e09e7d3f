package hana

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Sizes of headers and values of their fields, as in go-hdb's
// driver/internal/protocol/headers.go and SAP's "SQL Command Network Protocol".
const (
	messageHeaderSize = 32
	segmentHeaderSize = 24
	partHeaderSize    = 16

	kindRequest = 1
	kindReply   = 2
	kindError   = 5

	attrLast   = 0x01
	attrFirst  = 0x04
	attrClosed = 0x10

	maxMessage = 1<<30 - 1 // a packet's highest size
)

// Message types.
const (
	typeDirect         = 2
	typePrepare        = 3
	typeExecute        = 13
	typeAuthenticate   = 65
	typeConnect        = 66
	typeCommit         = 67
	typeRollback       = 68
	typeCloseResult    = 69
	typeDropStatement  = 70
	typeFetch          = 71
	typeDisconnect     = 77
	typeConnectInfo    = 82
	typeReadLobEither  = 16 // go-hdb sends reads as 16 and writes as 17; the part's kind decides
	typeWriteLobEither = 17
)

// Part kinds.
const (
	partCommand           = 3
	partResultSet         = 5
	partError             = 6
	partStatementID       = 10
	partRowsAffected      = 12
	partResultSetID       = 13
	partTopology          = 15
	partReadLobRequest    = 17
	partReadLobReply      = 18
	partWriteLobRequest   = 28
	partClientContext     = 29
	partWriteLobReply     = 30
	partParameters        = 32
	partAuthentication    = 33
	partConnectOptions    = 42
	partFetchSize         = 45
	partParameterMetadata = 47
	partResultMetadata    = 48
	partClientInfo        = 57
	partTransactionFlags  = 64
	partConnectInfo       = 67
)

// Function codes of replies.
const (
	funcNone     = 0
	funcDDL      = 1
	funcInsert   = 2
	funcUpdate   = 3
	funcDelete   = 4
	funcSelect   = 5
	funcLocking  = 6
	funcFetch    = 10
	funcCommit   = 11
	funcRollback = 12
	funcConnect  = 14
	funcWriteLob = 15
	funcReadLob  = 16
	funcClose    = 19
)

// part is one part of a message.
type part struct {
	kind  byte
	attrs byte
	count int
	data  []byte
}

// request is one message of a client. Its parts share one buffer, which belongs
// to the request.
type request struct {
	packet int32
	kind   byte
	commit bool // the statement ends its transaction
	parts  []part
}

func (r *request) part(kind byte) *part {
	for i := range r.parts {
		if r.parts[i].kind == kind {
			return &r.parts[i]
		}
	}
	return nil
}

var errProtocol = errors.New("protocol error")

// readRequest reads one message with one segment.
func readRequest(r *bufio.Reader) (*request, error) {
	var head [messageHeaderSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	length := le.Uint32(head[12:])
	if length < segmentHeaderSize || length > maxMessage || le.Uint16(head[20:]) != 1 {
		return nil, fmt.Errorf("%w: message of %d bytes and %d segments", errProtocol, length, le.Uint16(head[20:]))
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	req := &request{packet: int32(le.Uint32(head[8:])), kind: b[13], commit: b[14] != 0}
	if b[12] != kindRequest || int(int32(le.Uint32(b))) > len(b) {
		return nil, fmt.Errorf("%w: segment kind %d, length %d", errProtocol, b[12], le.Uint32(b))
	}
	count := int(le.Uint16(b[8:]))
	b = b[segmentHeaderSize:]
	for range count {
		if len(b) < partHeaderSize {
			return nil, fmt.Errorf("%w: part header is cut off", errProtocol)
		}
		p := part{kind: b[0], attrs: b[1], count: int(int16(le.Uint16(b[2:])))}
		if p.count == -1 {
			p.count = int(int32(le.Uint32(b[4:])))
		}
		size := int(int32(le.Uint32(b[8:])))
		if size < 0 || size > len(b)-partHeaderSize {
			return nil, fmt.Errorf("%w: part %d of %d bytes", errProtocol, p.kind, size)
		}
		p.data = b[partHeaderSize : partHeaderSize+size : partHeaderSize+size]
		req.parts = append(req.parts, p)
		b = b[min(len(b), partHeaderSize+pad(size)):]
	}
	return req, nil
}

func pad(n int) int { return (n + 7) &^ 7 }

// reply is what a request is answered with.
type reply struct {
	function int16
	failed   bool
	parts    []part
}

func (r *reply) add(kind byte, count int, data []byte) {
	r.parts = append(r.parts, part{kind: kind, count: count, data: data})
}

// encode writes the whole message.
func (r *reply) encode(session int64, packet int32) []byte {
	size := segmentHeaderSize
	for _, p := range r.parts {
		size += partHeaderSize + pad(len(p.data))
	}
	le := binary.LittleEndian
	b := make([]byte, 0, messageHeaderSize+size)
	b = le.AppendUint64(b, uint64(session))
	b = le.AppendUint32(b, uint32(packet))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint16(b, 1)
	b = append(b, make([]byte, 10)...)

	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, 0)
	b = le.AppendUint16(b, uint16(len(r.parts)))
	b = le.AppendUint16(b, 1)
	kind := byte(kindReply)
	if r.failed {
		kind = kindError
	}
	b = append(b, kind, 0)
	b = le.AppendUint16(b, uint16(r.function))
	b = append(b, make([]byte, 8)...)

	left := size - segmentHeaderSize
	for _, p := range r.parts {
		b = append(b, p.kind, p.attrs)
		if p.count <= 32767 {
			b = le.AppendUint16(b, uint16(p.count))
			b = le.AppendUint32(b, 0)
		} else {
			b = le.AppendUint16(b, 0xffff)
			b = le.AppendUint32(b, uint32(p.count))
		}
		b = le.AppendUint32(b, uint32(len(p.data)))
		b = le.AppendUint32(b, uint32(left))
		b = append(b, p.data...)
		b = append(b, make([]byte, pad(len(p.data))-len(p.data))...)
		left -= partHeaderSize + pad(len(p.data))
	}
	return b
}

// addErrors adds the error part. A single error has one byte more than its text;
// several are each padded to 8 (go-hdb, driver/internal/protocol/error.go).
func (r *reply) addErrors(errs []*Error) {
	var b []byte
	le := binary.LittleEndian
	for _, e := range errs {
		text := e.Text
		if len(text) > 2000 {
			text = text[:2000]
		}
		b = le.AppendUint32(b, uint32(e.Code))
		b = le.AppendUint32(b, uint32(e.Pos))
		b = le.AppendUint32(b, uint32(len(text)))
		b = append(b, 1) // level: error
		b = append(b, "HY000"...)
		b = append(b, text...)
		if len(errs) == 1 {
			b = append(b, 0)
			continue
		}
		b = append(b, make([]byte, pad(2+len(text))-(2+len(text)))...)
	}
	r.add(partError, len(errs), b)
}
