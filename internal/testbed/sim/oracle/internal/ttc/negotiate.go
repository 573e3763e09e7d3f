package ttc

import (
	"encoding/binary"
	"fmt"
)

// Message types (node-oracledb, protocol/constants.js).
const (
	MsgProtocol    = 1
	MsgDataTypes   = 2
	MsgFunction    = 3
	MsgError       = 4
	MsgRowHeader   = 6
	MsgRowData     = 7
	MsgParameter   = 8
	MsgStatus      = 9
	MsgIOVector    = 11
	MsgLobData     = 14
	MsgDescribe    = 16
	MsgPiggyback   = 17
	MsgBitVector   = 21
	MsgServerPiggy = 23
)

// FieldVersion is the version of the message layouts that the server announces, 18.1 ext 1: the newest
// that go-ora knows.
const FieldVersion = 11

// Charset numbers (string_conversion.go of go-ora).
const (
	CharsetUTF8     = 871 // CESU-8, as Oracle's "UTF8" stores it
	CharsetAL32UTF8 = 873
	CharsetUTF16    = 2000 // AL16UTF16, big endian
)

// Negotiated is what the two sides agreed on before login.
type Negotiated struct {
	// WideScale: the scale in a description is an integer with a length. The client asks for it by the
	// representation that it names for the type SB1 (assumption: both clients' reading, go-ora's
	// GetInt against node-oracledb's readInt8, differs in nothing else).
	WideScale bool
	// ExtendedStrings: VARCHAR2 and RAW hold up to 32767 bytes.
	ExtendedStrings bool
	Charset         uint16
}

// Negotiate answers protocol and data type negotiation.
func (c *Conn) Negotiate(n *Negotiated) error {
	if err := c.expect(MsgProtocol); err != nil {
		return err
	}
	c.Rest() // version and the client's name
	if err := c.Send(protocolReply(n)); err != nil {
		return err
	}
	if err := c.expect(MsgDataTypes); err != nil {
		return err
	}
	if err := c.readDataTypes(n); err != nil {
		return err
	}
	w := NewWriter()
	w.U8(MsgDataTypes)
	w.U8(128, 0, 0, 0, 60, 60, 60, 128, 0, 0, 0) // the database's time zone: +00:00
	w.U8(0, 0)                                   // no conversions
	return c.Send(w)
}

func (c *Conn) expect(kind byte) error {
	got, err := c.U8()
	if err != nil {
		return err
	}
	if got != kind {
		return fmt.Errorf("%w: message type %d instead of %d", errProtocol, got, kind)
	}
	return nil
}

// protocolReply names charsets and capabilities (tcp_protocol_nego.go, capabilities.js).
func protocolReply(n *Negotiated) *Writer {
	w := NewWriter()
	w.U8(MsgProtocol, 6, 0)
	w.Raw([]byte("x86_64/Linux 2.4.xx\x00"))
	w.LE16(n.Charset)
	w.U8(1)
	w.LE16(0)
	w.BE16(11)
	w.Raw(make([]byte, 9))
	w.BE16(CharsetUTF16)
	caps := make([]byte, 46)
	caps[0] = 6
	caps[4] = 0x22 // O5LOGON with PBKDF2
	caps[7] = FieldVersion
	caps[15], caps[16] = 1, 1 // end of call status, fast session propagation
	caps[27] = 1              // two-byte data types
	caps[37] = 0x20           // big chunks
	w.U8(byte(len(caps)))
	w.Raw(caps)
	runtime := make([]byte, 7)
	runtime[0], runtime[1] = 2, 1
	if n.ExtendedStrings {
		runtime[6] = 4
	}
	w.U8(byte(len(runtime)))
	w.Raw(runtime)
	return w
}

// readDataTypes reads the client's list of types. go-ora sends the national charset before the list,
// node-oracledb does not; the list has to end where the message ends, which tells them apart.
func (c *Conn) readDataTypes(n *Negotiated) error {
	if err := c.Skip(5); err != nil { // charsets, flags
		return err
	}
	var caps [2][]byte
	for i := range caps {
		size, err := c.U8()
		if err != nil {
			return err
		}
		b, err := c.Bytes(int(size))
		if err != nil {
			return err
		}
		caps[i] = append([]byte(nil), b...)
	}
	if len(caps[1]) > 1 && caps[1][1]&1 != 0 {
		if err := c.Skip(11); err != nil { // time zone
			return err
		}
	}
	list := append([]byte(nil), c.Rest()...)
	for {
		reps, ok := typeList(list)
		if !ok && len(list) > 2 {
			reps, ok = typeList(list[2:])
		}
		if ok {
			n.WideScale = reps[27] != 10
			return nil
		}
		if err := c.next(); err != nil {
			return err
		}
		list = append(list, c.Rest()...)
	}
}

// typeList reads a whole list of types: the representation of each.
func typeList(b []byte) (map[uint16]uint16, bool) {
	reps := make(map[uint16]uint16)
	for len(b) >= 2 {
		kind := binary.BigEndian.Uint16(b)
		if kind == 0 {
			return reps, len(b) == 2
		}
		if len(b) < 4 {
			return nil, false
		}
		if binary.BigEndian.Uint16(b[2:]) == 0 {
			b = b[4:]
			continue
		}
		if len(b) < 8 {
			return nil, false
		}
		reps[kind] = binary.BigEndian.Uint16(b[4:])
		b = b[8:]
	}
	return nil, false
}
