// Package batch says how neutral types look as Apache Arrow columns.
package batch

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Rows is how many rows a batch holds unless bytes cut it earlier. Smaller and
// larger batches were both measured to be slower.
const Rows = 8192

// DataType returns the Arrow storage type of a neutral type. What Arrow's own types
// do not say (dmo.number, dmo.native, lengths) is in the field's metadata, see Schema.
func DataType(t catalog.Type) (arrow.DataType, error) {
	switch t.Kind {
	case catalog.Bool:
		return arrow.FixedWidthTypes.Boolean, nil
	case catalog.Int16:
		return arrow.PrimitiveTypes.Int16, nil
	case catalog.Int32:
		return arrow.PrimitiveTypes.Int32, nil
	case catalog.Int64:
		return arrow.PrimitiveTypes.Int64, nil
	case catalog.Float32:
		return arrow.PrimitiveTypes.Float32, nil
	case catalog.Float64:
		return arrow.PrimitiveTypes.Float64, nil
	case catalog.Decimal:
		if t.Precision > 38 {
			return &arrow.Decimal256Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}, nil
		}
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}, nil
	case catalog.Timestamp9:
		return &arrow.Decimal128Type{Precision: 21, Scale: 9}, nil // seconds since the epoch
	case catalog.Number, catalog.String, catalog.Char:
		return arrow.BinaryTypes.String, nil
	case catalog.Text, catalog.JSON:
		return arrow.BinaryTypes.LargeString, nil
	case catalog.Binary:
		return arrow.BinaryTypes.Binary, nil
	case catalog.Blob, catalog.Native:
		return arrow.BinaryTypes.LargeBinary, nil
	case catalog.Date:
		return arrow.FixedWidthTypes.Date32, nil
	case catalog.Time:
		return arrow.FixedWidthTypes.Time64us, nil
	case catalog.Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}, nil
	case catalog.TimestampTZ:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, nil
	case catalog.UUID:
		return &arrow.FixedSizeBinaryType{ByteWidth: 16}, nil
	}
	return nil, fmt.Errorf("type %s is not supported", t)
}

// MetaType is the field metadata key under which Schema keeps the neutral type's text.
const MetaType = "dmo.type"

// Schema returns the Arrow schema of the copied columns among cols, in order.
func Schema(cols []catalog.Column) (*arrow.Schema, error) {
	fields := make([]arrow.Field, 0, len(cols))
	for _, c := range cols {
		if !c.Copied() {
			continue
		}
		dt, err := DataType(c.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		meta := arrow.NewMetadata([]string{MetaType}, []string{c.Type.String()})
		fields = append(fields, arrow.Field{Name: c.Name, Type: dt, Nullable: true, Metadata: meta})
	}
	return arrow.NewSchema(fields, nil), nil
}

// Infinite timestamps and dates, where an engine has them, are the extreme values
// of their Arrow integers.
const (
	InfinityUS     = int64(^uint64(0) >> 1)
	NegInfinityUS  = -InfinityUS - 1
	InfinityDay    = int32(^uint32(0) >> 1)
	NegInfinityDay = -InfinityDay - 1
)

// Record makes a batch of the arrays of a schema's columns and releases the caller's hold on
// them. The caller owns the batch.
func Record(schema *arrow.Schema, columns []arrow.Array, rows int) arrow.RecordBatch {
	b := array.NewRecordBatch(schema, columns, int64(rows))
	for _, c := range columns {
		c.Release()
	}
	return b
}
