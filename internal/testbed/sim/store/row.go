package store

import (
	"encoding/binary"
	"unsafe"
)

// A row is one piece of bytes: a tag a value, then its parts as varints and
// counted bytes. The tag's high bit says that a decimal or a stamp carries text.
const textual = 0x80

// AppendValue encodes one value behind b.
func AppendValue(b []byte, v Value) []byte {
	tag := byte(v.K)
	switch v.K {
	case Null:
		return append(b, tag)
	case Bool:
		return append(b, tag, byte(v.I))
	case Int, Day, Clock:
		return binary.AppendVarint(append(b, tag), v.I)
	case Float:
		return binary.LittleEndian.AppendUint64(append(b, tag), uint64(v.I))
	case Text, Bytes:
		b = binary.AppendUvarint(append(b, tag), uint64(len(v.S)))
		return append(b, v.S...)
	}
	if v.S != "" {
		tag |= textual
	}
	b = binary.AppendVarint(append(b, tag), int64(v.N))
	b = binary.AppendVarint(b, v.I)
	if v.S != "" {
		b = binary.AppendUvarint(b, uint64(len(v.S)))
		b = append(b, v.S...)
	}
	return b
}

// nextValue decodes the value at the begin of b. Its text shares b's memory.
func nextValue(b []byte) (Value, []byte) {
	v := Value{K: Kind(b[0] &^ textual)}
	text := b[0]&textual != 0
	b = b[1:]
	switch v.K {
	case Null:
		return v, b
	case Bool:
		v.I = int64(b[0])
		return v, b[1:]
	case Int, Day, Clock:
		var n int
		v.I, n = binary.Varint(b)
		return v, b[n:]
	case Float:
		v.I = int64(binary.LittleEndian.Uint64(b))
		return v, b[8:]
	case Text, Bytes:
		v.S, b = counted(b)
		return v, b
	}
	scale, n := binary.Varint(b)
	v.N = int32(scale)
	b = b[n:]
	v.I, n = binary.Varint(b)
	b = b[n:]
	if text {
		v.S, b = counted(b)
	}
	return v, b
}

func counted(b []byte) (string, []byte) {
	size, n := binary.Uvarint(b)
	b = b[n:]
	if size == 0 {
		return "", b
	}
	return unsafe.String(&b[0], int(size)), b[size:]
}

// EncodeRow encodes values behind b.
func EncodeRow(b []byte, values []Value) []byte {
	for _, v := range values {
		b = AppendValue(b, v)
	}
	return b
}

// DecodeRow decodes as many values as dst has room for. A row of a time when the
// table had fewer columns leaves the rest as it is: callers fill in defaults.
func DecodeRow(row []byte, dst []Value) (decoded int) {
	for i := range dst {
		if len(row) == 0 {
			return i
		}
		dst[i], row = nextValue(row)
	}
	return len(dst)
}
