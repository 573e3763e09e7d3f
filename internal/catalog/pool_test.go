package catalog

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// pooled is a table whose texts are stored nowhere else.
func pooled(name, declared string) *Table {
	own := strings.Clone
	columns := make([]Column, 0, 8)
	columns = append(columns,
		Column{Name: own("CLIENT"), Declared: own("character varying(3)"), Default: own("'000'"), Type: Type{Kind: String, Length: 3}},
		Column{Name: own("NOTE"), Declared: own(declared), Nullable: true, Type: Type{Kind: Text}, UserType: &Name{Schema: own("s"), Name: own("e")}})
	return &Table{Name: Name{Schema: own("s"), Name: name}, Columns: columns, Options: own("o"),
		Key:     &Key{Name: name + "_pkey", Columns: []string{own("CLIENT")}, Primary: true, Definition: own("PRIMARY KEY (client)")},
		Uniques: []Key{{Name: name + "_u", Columns: []string{own("NOTE")}}}, Indexes: []Index{{Name: name + "_i", Columns: []IndexColumn{{Name: own("NOTE")}}}},
		ForeignKeys: []ForeignKey{{Name: name + "_f", Columns: []string{own("CLIENT")}, References: []string{own("CLIENT")}, Table: Name{Schema: own("s"), Name: own("t")}}}}
}

func TestPoolSharesEqualParts(t *testing.T) {
	var p Pool
	a, b, other := pooled("a", "text"), pooled("b", "text"), pooled("c", "bytea")
	for _, table := range []*Table{a, b, other} {
		before, digest := *pooled(table.Name.Name, table.Columns[1].Declared), table.StructureDigest()
		p.Table(table)
		if !reflect.DeepEqual(*table, before) || table.StructureDigest() != digest {
			t.Errorf("%s became %+v", table.Name, table)
		}
	}
	if &a.Columns[0] != &b.Columns[0] || &a.Key.Columns[0] != &b.Key.Columns[0] || &a.Indexes[0].Columns[0] != &b.Indexes[0].Columns[0] {
		t.Error("equal lists are held twice")
	}
	if &a.Columns[0] == &other.Columns[0] || a.Columns[1].UserType != other.Columns[1].UserType {
		t.Error("lists that differ are one, or one type's name is two")
	}
	if cap(a.Columns) != len(a.Columns) {
		t.Error("who appends to one table's columns would write into another's")
	}
}

func TestUnifySharesEqualPartsOnly(t *testing.T) {
	a, b, other := pooled("a", "text"), pooled("a", "text"), pooled("b", "text")
	before, otherBefore := b.StructureDigest(), other.StructureDigest()
	Unify(b, a)
	Unify(other, a)
	if b.StructureDigest() != before || other.StructureDigest() != otherBefore {
		t.Error("a table was changed")
	}
	if a.Key != b.Key || &a.Uniques[0] != &b.Uniques[0] || &a.Indexes[0] != &b.Indexes[0] {
		t.Error("equal parts are held twice")
	}
	if other.Key == a.Key {
		t.Error("keys of other names are one")
	}
}

func TestPoolSequenceColumnsNotShared(t *testing.T) {
	var p Pool
	list := func(n int64) []Column {
		return p.Columns([]Column{{Name: "id", Sequence: &Sequence{Last: n}}})
	}
	a, b := list(1), list(1)
	if &a[0] == &b[0] {
		t.Error("two tables' identities are one")
	}
	var none *Pool
	if got := none.Columns(a); &got[0] != &a[0] || none.Text("x") != "x" || none.Bytes([]byte("y")) != "y" {
		t.Error("no pool changed something")
	}
	none.Table(&Table{})
}

// What a list is kept as is not what the caller continues with.
func TestPoolCopiesCallerBuffer(t *testing.T) {
	var p Pool
	buffer := make([]Column, 0, 1)
	var kept [][]Column
	for i := range 3 {
		buffer = append(buffer[:0], Column{Name: fmt.Sprint("c", i)})
		kept = append(kept, p.Columns(buffer))
	}
	for i, list := range kept {
		if list[0].Name != fmt.Sprint("c", i) {
			t.Errorf("list %d is now %+v", i, list)
		}
	}
}
