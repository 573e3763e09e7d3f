package postgres

import (
	"iter"
	"strconv"
	"strings"
)

// firstUserOID is the first object id that the server gives to what users make.
const firstUserOID = 16384

// uses yields what stands in an expression. The server stores one as a tree of nodes and
// prints it as text: names of nodes, and object ids of functions, operators and types. Names of users in it are
// escaped by backslashes, so that none is taken for a node. What an expression does is read from there,
// never from its SQL.
func uses(tree string) iter.Seq[used] {
	return func(yield func(used) bool) {
		for i := 0; i < len(tree); i++ {
			switch tree[i] {
			case '\\':
				i++
			case '{':
				n := i + 1
				for n < len(tree) && isNameByte(tree[n]) {
					n++
				}
				if n > i+1 && !yield(used{class: 'n', node: tree[i+1 : n]}) {
					return
				}
				i = n - 1
			case ':':
				end := strings.IndexByte(tree[i:], ' ')
				if end < 0 {
					return
				}
				rest := tree[i+end+1:]
				for id := range idsOf(tree[i+1:i+end], rest) {
					if !yield(id) {
						return
					}
				}
				i += end
			}
		}
	}
}

// idsOf yields the object ids of a node's field that matters.
func idsOf(field, value string) iter.Seq[used] {
	return func(yield func(used) bool) {
		class := byte(0)
		switch field {
		case "funcid":
			class = 'f'
		case "opno":
			class = 'o'
		case "consttype", "resulttype", "row_typeid":
			class = 't'
		case "opnos": // (o 96 97)
			class = 'o'
			value, _, _ = strings.Cut(strings.TrimPrefix(value, "(o "), ")")
		default:
			return
		}
		for id := range strings.FieldsSeq(value) {
			n, err := strconv.ParseUint(id, 10, 32)
			u := used{class: class, oid: uint32(n)}
			if err != nil {
				u = used{class: 'n', node: field} // another version writes it in another way
			}
			if !yield(u) || field != "opnos" {
				return
			}
		}
	}
}
