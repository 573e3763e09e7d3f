package engine

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// Storage is laid out as with automatic extent allocation and blocks of 8 KiB (Database Concepts,
// "Logical Storage Structures"): the first 16 extents have 8 blocks, the next 63 have 128, then 1024.
const (
	blockSize    = 8192
	blockUsable  = blockSize * 9 / 10 // PCTFREE 10
	rowOverhead  = 5
	maxRowsBlock = 736
)

// segment holds the rows of a table or of one of its partitions. DB.mu guards it.
type segment struct {
	object  uint32 // DATA_OBJECT_ID; another after TRUNCATE and MOVE
	extents []*extent
	space   *space
	current *block // rows go here
	gone    bool   // truncated, moved or dropped: cursors that read it end with ORA-08103
}

// extent is a run of blocks of one file.
type extent struct {
	file   uint16
	first  uint32
	size   uint32
	blocks []*block
}

type block struct {
	file   uint16
	number uint32
	used   int
	rows   []row
}

// row is the newest version of a row. data is never written again.
type row struct {
	data    []byte
	scn     uint64 // of the commit; 0 while tx is open
	tx      *tx
	before  *row
	deleted bool
}

// space hands out extents: those of all segments lie mixed, in two files.
type space struct {
	files []uint16
	next  []uint32
	turn  int
}

func newSpace() *space {
	return &space{files: []uint16{5, 4}, next: []uint32{128, 128}}
}

func (s *space) extent(n int) *extent {
	size := uint32(8)
	if n >= 79 {
		size = 1024
	} else if n >= 16 {
		size = 128
	}
	i := s.turn % len(s.files)
	s.turn++
	e := &extent{file: s.files[i], first: s.next[i], size: size}
	s.next[i] += size
	return e
}

// room returns a block with room for n bytes.
func (s *segment) room(n int) *block {
	if b := s.current; b != nil && len(b.rows) < maxRowsBlock && (b.used+n+rowOverhead <= blockUsable || len(b.rows) == 0) {
		return b
	}
	var e *extent
	if len(s.extents) > 0 {
		e = s.extents[len(s.extents)-1]
	}
	// The first block of a segment's first extents holds its header and bitmaps.
	if e == nil || len(e.blocks) == int(e.size) {
		e = s.space.extent(len(s.extents))
		s.extents = append(s.extents, e)
		if len(s.extents) == 1 {
			for range 3 {
				e.blocks = append(e.blocks, &block{file: e.file, number: e.first + uint32(len(e.blocks))})
			}
		}
	}
	b := &block{file: e.file, number: e.first + uint32(len(e.blocks))}
	e.blocks = append(e.blocks, b)
	s.current = b
	return b
}

// insert adds a row.
func (s *segment) insert(r row) address {
	b := s.room(len(r.data))
	if cap(b.rows) == 0 {
		b.rows = make([]row, 0, max(1, min(maxRowsBlock, blockUsable/(len(r.data)+rowOverhead))))
	}
	b.rows = append(b.rows, r)
	b.used += len(r.data) + rowOverhead
	return address{seg: s, block: b, slot: len(b.rows) - 1}
}

// address is where a row lies.
type address struct {
	seg   *segment
	block *block
	slot  int
}

func (a address) row() *row { return &a.block.rows[a.slot] }

func (a address) rowid() []byte {
	return value.RowID(a.seg.object, a.block.file, a.block.number, uint16(a.slot))
}

// bytes is how much space the segment has.
func (s *segment) bytes() int {
	n := 0
	for _, e := range s.extents {
		n += int(e.size) * blockSize
	}
	return n
}

// rowRange bounds ROWIDs; nil has no bound.
type rowRange struct {
	low, high             []byte
	afterLow, throughHigh bool // low is not included, high is
}

func (g *rowRange) holds(id []byte) bool {
	if g.low != nil {
		if c := compareBytes(id, g.low); c < 0 || c == 0 && g.afterLow {
			return false
		}
	}
	if g.high != nil {
		if c := compareBytes(id, g.high); c > 0 || c == 0 && !g.throughHigh {
			return false
		}
	}
	return true
}

// meets says whether blocks of a file can hold rows of the range.
func (g *rowRange) meets(object uint32, file uint16, first, last uint32) bool {
	low := value.RowID(object, file, first, 0)
	high := value.RowID(object, file, last, 0xFFFF)
	return (g.low == nil || compareBytes(high, g.low) >= 0) && (g.high == nil || compareBytes(low, g.high) <= 0)
}
