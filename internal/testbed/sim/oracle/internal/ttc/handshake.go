package ttc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
)

// A Refusal is why a listener does not let a client in: the number after "TNS-".
type Refusal int

func (r Refusal) Error() string { return fmt.Sprintf("TNS-%05d", int(r)) }

// Refusals of a listener (Oracle Database Error Messages, ORA-12505 and ORA-12514).
const (
	UnknownSID     Refusal = 12505
	UnknownService Refusal = 12514
)

// Accept takes a client through the TNS handshake. check decides on what the client asks for; its
// Refusal is sent to the client, and returned.
func Accept(nc net.Conn, check func(Connect) error) (*Conn, error) {
	c := &Conn{
		net: nc, data: make(chan []byte, 64), resets: make(chan struct{}, 1),
		failed: make(chan struct{}), closed: make(chan struct{}),
	}
	want, err := c.readConnect()
	if err != nil {
		return nil, err
	}
	if err := check(want); err != nil {
		return nil, c.refuse(err)
	}
	accept := make([]byte, acceptSize)
	c.putHeader(accept, packetAccept)
	binary.BigEndian.PutUint16(accept[8:], versionLarge)
	binary.BigEndian.PutUint16(accept[12:], uint16(min(c.sdu, 0xFFFF)))
	binary.BigEndian.PutUint16(accept[14:], uint16(min(c.sdu, 0xFFFF)))
	binary.BigEndian.PutUint16(accept[16:], 1)
	binary.BigEndian.PutUint16(accept[20:], acceptSize)
	accept[22], accept[23] = 4, 4 // native encryption is switched off for this connection
	binary.BigEndian.PutUint32(accept[32:], uint32(c.sdu))
	binary.BigEndian.PutUint32(accept[36:], uint32(c.sdu))
	if _, err := nc.Write(accept); err != nil {
		return nil, err
	}
	c.large = true
	go c.receive()
	return c, nil
}

// readConnect reads the connect packet and its data, which follow in a packet of their own when
// they are longer than 230 bytes.
func (c *Conn) readConnect() (Connect, error) {
	p, err := readPacket(c.net, false)
	if err != nil {
		return Connect{}, err
	}
	if p[4] != packetConnect || len(p) < 70 {
		return Connect{}, fmt.Errorf("%w: no connect packet", errProtocol)
	}
	if v := binary.BigEndian.Uint16(p[8:]); v < 315 {
		return Connect{}, fmt.Errorf("%w: TNS version %d", errProtocol, v)
	}
	c.sdu = int(min(binary.BigEndian.Uint32(p[58:]), 1<<16))
	if c.sdu < 512 {
		c.sdu = 8192
	}
	n, off := int(binary.BigEndian.Uint16(p[24:])), int(binary.BigEndian.Uint16(p[26:]))
	text := p[min(off, len(p)):]
	for len(text) < n {
		more, err := readPacket(c.net, false)
		if err != nil {
			return Connect{}, err
		}
		if more[4] != packetData || len(more) < dataOffset {
			return Connect{}, fmt.Errorf("%w: no connect data", errProtocol)
		}
		text = append(text, more[dataOffset:]...)
	}
	return parseConnect(string(text)), nil
}

func parseConnect(text string) Connect {
	field := func(name string) string {
		re := regexp.MustCompile(`(?i)\(\s*` + name + `\s*=\s*([^()]*)\)`)
		if m := re.FindStringSubmatch(text); m != nil {
			return strings.TrimSpace(m[1])
		}
		return ""
	}
	return Connect{Service: field("SERVICE_NAME"), SID: field("SID")}
}

// refuse tells the client why it is not let in, in the form that a listener uses.
func (c *Conn) refuse(reason error) error {
	code := 12564
	var r Refusal
	if errors.As(reason, &r) {
		code = int(r)
	}
	text := fmt.Sprintf("(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=%d)(ERROR_STACK=(ERROR=(CODE=%d)(EMFI=4))))", code, code)
	p := make([]byte, 12, 12+len(text))
	binary.BigEndian.PutUint16(p[10:], uint16(len(text)))
	p[8], p[9] = 0x22, 0
	p = append(p, text...)
	c.putHeader(p, packetRefuse)
	if _, err := c.net.Write(p); err != nil {
		return err
	}
	return reason
}
