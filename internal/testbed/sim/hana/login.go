package hana

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Authentication methods that the server knows.
const (
	SCRAMSHA256       = "SCRAMSHA256"
	SCRAMPBKDF2SHA256 = "SCRAMPBKDF2SHA256"
)

const (
	rounds        = 15000
	saltSize      = 16
	challengeSize = 48
)

// login is the state of one handshake.
type login struct {
	user            *user // nil where there is none of that name
	method          string
	client, server  []byte
	salt, saltedKey []byte
}

// authFields cuts an authentication part: a count, then fields with a length of
// one byte, or 255 and two bytes, big endian.
func authFields(b []byte) ([][]byte, error) {
	if len(b) < 2 {
		return nil, fmt.Errorf("%w: authentication part", errProtocol)
	}
	count := int(binary.LittleEndian.Uint16(b))
	b = b[2:]
	var out [][]byte
	for range count {
		if len(b) == 0 {
			return nil, fmt.Errorf("%w: authentication part is cut off", errProtocol)
		}
		n := int(b[0])
		b = b[1:]
		if n == 255 {
			if len(b) < 2 {
				return nil, fmt.Errorf("%w: authentication part is cut off", errProtocol)
			}
			n = int(binary.BigEndian.Uint16(b))
			b = b[2:]
		}
		if n > len(b) {
			return nil, fmt.Errorf("%w: authentication field of %d bytes", errProtocol, n)
		}
		out = append(out, b[:n])
		b = b[n:]
	}
	return out, nil
}

func appendAuth(fields ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(len(fields)))
	for _, f := range fields {
		if len(f) > 250 {
			b = append(b, 255)
			b = binary.BigEndian.AppendUint16(b, uint16(len(f)))
		} else {
			b = append(b, byte(len(f)))
		}
		b = append(b, f...)
	}
	return b
}

// beginLogin answers the first authentication request: it picks the strongest
// method that client and server both have. A name without user gets a challenge
// too, so that the two cannot be told apart.
func (s *Server) beginLogin(p *part) (*login, []byte, error) {
	fields, err := authFields(p.data)
	if err != nil {
		return nil, nil, err
	}
	if len(fields) < 3 {
		return nil, nil, &Error{Code: codeAuthentication, Text: "authentication failed"}
	}
	name, err := fromCESU8(fields[0])
	if err != nil {
		return nil, nil, err
	}
	l := &login{server: make([]byte, challengeSize)}
	for _, method := range s.methods {
		for i := 1; i+1 < len(fields) && l.method == ""; i += 2 {
			if string(fields[i]) == method {
				l.method, l.client = method, bytes.Clone(fields[i+1])
			}
		}
	}
	if l.method == "" {
		return nil, nil, &Error{Code: codeAuthentication, Text: "authentication failed"}
	}
	if _, err := rand.Read(l.server); err != nil {
		return nil, nil, err
	}
	l.user = s.db.user(name)
	if l.user != nil {
		l.salt = l.user.salt
		l.saltedKey = l.user.keys[l.method]
	} else {
		l.salt = make([]byte, saltSize)
		if _, err := rand.Read(l.salt); err != nil {
			return nil, nil, err
		}
	}
	challenge := [][]byte{l.salt, l.server}
	if l.method == SCRAMPBKDF2SHA256 {
		challenge = append(challenge, binary.BigEndian.AppendUint32(nil, rounds))
	}
	return l, appendAuth([]byte(l.method), appendAuth(challenge...)), nil
}

// salted is what a password is before it is hashed for a method.
func salted(method, password string, salt []byte) ([]byte, error) {
	if method == SCRAMPBKDF2SHA256 {
		return pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	}
	return mac([]byte(password), salt), nil
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// finish checks the client's proof and returns the final authentication part.
func (l *login) finish(p *part) ([]byte, error) {
	refused := &Error{Code: codeAuthentication, Text: "authentication failed"}
	fields, err := authFields(p.data)
	if err != nil {
		return nil, err
	}
	// The proof is wrapped in a count, whose byte order differs between clients, and a length.
	if len(fields) != 3 || string(fields[1]) != l.method || len(fields[2]) != 3+sha256.Size || l.user == nil {
		return nil, refused
	}
	proof := fields[2][3:]
	key := sha256.Sum256(l.saltedKey)
	stored := sha256.Sum256(key[:])
	want := mac(stored[:], l.salt, l.server, l.client)
	for i := range want {
		want[i] ^= key[i]
	}
	if !hmac.Equal(want, proof) {
		return nil, refused
	}
	if l.method == SCRAMSHA256 {
		return appendAuth([]byte(l.method), nil), nil
	}
	verifier := mac(l.saltedKey, l.salt)
	return appendAuth([]byte(l.method), appendAuth(mac(verifier, l.client, l.salt, l.server))), nil
}

// Connect options, by driver/internal/protocol/optionsparts.go of go-hdb.
const (
	optConnectionID = 1
	optLargeBulk    = 4
	optSystemID     = 11
	optManyParams   = 10
	optForUpdate    = 14
	optDataFormat2  = 23
	optFullVersion  = 44
	optDatabaseName = 45
)

// dataFormat is the version of the data format that the server speaks: 8 has
// FIXED8, FIXED12 and FIXED16 for decimals.
const dataFormat = 8

type option struct {
	key   byte
	value any
}

func appendOptions(options []option) []byte {
	var b []byte
	for _, o := range options {
		b = append(b, o.key)
		switch v := o.value.(type) {
		case int32:
			b = append(b, codeInteger)
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		case bool:
			b = append(b, codeBoolean, 0)
			if v {
				b[len(b)-1] = 1
			}
		case string:
			b = append(b, codeString)
			b = binary.LittleEndian.AppendUint16(b, uint16(len(v)))
			b = append(b, v...)
		}
	}
	return b
}

// readOptions reads the options that have a known type, as a map.
func readOptions(p *part) (map[byte]any, error) {
	out := make(map[byte]any)
	b := p.data
	for range p.count {
		if len(b) < 3 {
			return nil, fmt.Errorf("%w: options are cut off", errProtocol)
		}
		key, code := b[0], b[1]
		b = b[2:]
		var size int
		switch code {
		case codeBoolean, codeTinyint:
			size = 1
		case codeInteger:
			size = 4
		case codeBigint, codeDouble:
			size = 8
		case codeString, codeBstring, codeNstring:
			if len(b) < 2 {
				return nil, fmt.Errorf("%w: option %d is cut off", errProtocol, key)
			}
			size = 2 + int(binary.LittleEndian.Uint16(b))
		default:
			return nil, fmt.Errorf("%w: option %d of type %d", errProtocol, key, code)
		}
		if size > len(b) {
			return nil, fmt.Errorf("%w: option %d is cut off", errProtocol, key)
		}
		switch code {
		case codeInteger:
			out[key] = int32(binary.LittleEndian.Uint32(b))
		case codeBoolean:
			out[key] = b[0] != 0
		case codeString, codeNstring:
			out[key] = string(b[2:size])
		}
		b = b[size:]
	}
	return out, nil
}
