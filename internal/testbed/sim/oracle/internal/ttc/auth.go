package ttc

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Function codes of a login (node-oracledb, protocol/constants.js).
const (
	funcAuthOne = 0x76
	funcAuthTwo = 0x73
)

const (
	verifier12C = 18453
	vgenCount   = 4096
	sderCount   = 3
)

// ErrLogin is a user or password that the database does not know. The caller sends ORA-01017.
var ErrLogin = errors.New("invalid username or password")

// Account is what a login is checked against.
type Account struct {
	// Password of a user name as the client sent it; ok is false for an unknown user.
	Password func(user string) (password string, ok bool)
}

// Login is what a client said about itself.
type Login struct {
	User    string
	Options map[string]string // the dictionary of the second message, AUTH_ALTER_SESSION among it
	Answer  string            // AUTH_SVR_RESPONSE, with which the server proves that it knows the password
}

// Authenticate runs O5LOGON with a 12C verifier (auth_object.go of go-ora, encryptDecrypt.js of
// node-oracledb). The reply to the second message is the caller's; ErrLogin comes with the Login.
func (c *Conn) Authenticate(acc Account) (Login, error) {
	user, _, err := c.authMessage(funcAuthOne)
	if err != nil {
		return Login{}, err
	}
	password, known := acc.Password(user)
	if !known {
		// An unknown user is told like a wrong password: both get a verifier.
		password = rand.Text()
	}
	k, err := newKeys(password)
	if err != nil {
		return Login{}, err
	}
	if err := c.Send(k.challenge()); err != nil {
		return Login{}, err
	}
	again, options, err := c.authMessage(funcAuthTwo)
	if err != nil {
		return Login{}, err
	}
	l := Login{User: user, Options: options}
	if again != user || !known {
		return l, ErrLogin
	}
	l.Answer, err = k.check(options, password)
	return l, err
}

// authMessage reads one of the two messages: the user and a dictionary.
func (c *Conn) authMessage(function byte) (user string, options map[string]string, err error) {
	if err := c.expect(MsgFunction); err != nil {
		return "", nil, err
	}
	if err := c.expect(function); err != nil {
		return "", nil, err
	}
	if err := c.Skip(2); err != nil { // sequence number, pointer
		return "", nil, err
	}
	size, err := c.Int()
	if err != nil {
		return "", nil, err
	}
	if _, err := c.UB(4); err != nil { // mode
		return "", nil, err
	}
	if err := c.Skip(1); err != nil {
		return "", nil, err
	}
	count, err := c.Int()
	if err != nil {
		return "", nil, err
	}
	if err := c.Skip(2); err != nil {
		return "", nil, err
	}
	if size > 0 {
		if user, err = c.Text(); err != nil {
			return "", nil, err
		}
	}
	options = make(map[string]string, count)
	for range count {
		key, value, _, err := c.KeyValue()
		if err != nil {
			return "", nil, err
		}
		options[strings.TrimRight(key, "\x00")] = strings.TrimRight(value, "\x00")
	}
	return user, options, nil
}

// keys are one login's secrets.
type keys struct {
	salt, derived []byte // sent to the client
	key           []byte // from password and salt
	server        []byte // the server's half of the session key
}

func newKeys(password string) (*keys, error) {
	k := &keys{salt: make([]byte, 16), derived: make([]byte, 16), server: make([]byte, 32)}
	for _, b := range [][]byte{k.salt, k.derived, k.server} {
		if _, err := rand.Read(b); err != nil {
			return nil, err
		}
	}
	salted := append(bytes.Clone(k.salt), "AUTH_PBKDF2_SPEEDY_KEY"...)
	speedy, err := pbkdf2.Key(sha512.New, password, salted, vgenCount, 64)
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum512(append(speedy, k.salt...))
	k.key = sum[:32]
	return k, nil
}

func (k *keys) challenge() *Writer {
	w := NewWriter()
	w.U8(MsgParameter)
	w.Int(5)
	w.KeyValue("AUTH_SESSKEY", encrypt(k.key, k.server), 0)
	w.KeyValue("AUTH_VFR_DATA", hexUpper(k.salt), verifier12C)
	w.KeyValue("AUTH_PBKDF2_CSK_SALT", hexUpper(k.derived), 0)
	w.KeyValue("AUTH_PBKDF2_VGEN_COUNT", strconv.Itoa(vgenCount), 0)
	w.KeyValue("AUTH_PBKDF2_SDER_COUNT", strconv.Itoa(sderCount), 0)
	w.Summary(&Summary{})
	return w
}

// check compares the password that the client encrypted, and gives the server's answer.
func (k *keys) check(options map[string]string, password string) (string, error) {
	client, err := decrypt(k.key, options["AUTH_SESSKEY"])
	if err != nil {
		return "", err
	}
	if len(client) != len(k.server) {
		return "", fmt.Errorf("%w: session key of %d bytes", errProtocol, len(client))
	}
	both := hexUpper(append(bytes.Clone(client), k.server...))
	combo, err := pbkdf2.Key(sha512.New, both, k.derived, sderCount, 32)
	if err != nil {
		return "", err
	}
	plain, err := decrypt(combo, options["AUTH_PASSWORD"])
	if err != nil {
		return "", err
	}
	if got, ok := unpad(plain); !ok || got != password {
		return "", ErrLogin
	}
	salted := make([]byte, 16)
	if _, err := rand.Read(salted); err != nil {
		return "", err
	}
	return encrypt(combo, pad(append(salted, "SERVER_TO_CLIENT"...))), nil
}

// unpad takes 16 random bytes and the padding off.
func unpad(plain []byte) (string, bool) {
	if len(plain) < 32 {
		return "", false
	}
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize || n > len(plain)-16 {
		return "", false
	}
	return string(plain[16 : len(plain)-n]), true
}

func pad(b []byte) []byte {
	n := aes.BlockSize - len(b)%aes.BlockSize
	return append(b, bytes.Repeat([]byte{byte(n)}, n)...)
}

func encrypt(key, plain []byte) string {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key's length is ours
	}
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(out, plain)
	return hexUpper(out)
}

func decrypt(key []byte, text string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) == 0 || len(b)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: encrypted value of %d characters", errProtocol, len(text))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key's length is ours
	}
	out := make([]byte, len(b))
	cipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(out, b)
	return out, nil
}

func hexUpper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
