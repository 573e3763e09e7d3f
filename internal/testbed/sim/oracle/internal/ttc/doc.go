// Package ttc speaks the server's side of Oracle Net and of the Two-Task Common protocol.
//
// Accept takes a new connection through the TNS handshake and gives a Conn. Its Reader methods take
// a client's message apart field by field, pulling packets as they are needed; a Writer collects a
// reply that Send puts on the wire. What a message means is the caller's business.
//
// Sources: github.com/sijms/go-ora/v2 v2.9.0 (network, command.go, auth_object.go) and
// node-oracledb 26.0.0 (lib/thin), which are the two clients that read and write these bytes.
package ttc
