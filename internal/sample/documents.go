package sample

import "strconv"

// accountingTable holds the items of accounting documents, four to each on average.
func accountingTable(rows, _ int64) *table {
	documents := (rows + 3) / 4
	return &table{
		name: "BSEG", rows: rows, key: []string{"MANDT", "BUKRS", "BELNR", "GJAHR", "BUZEI"},
		columns: []column{
			client("MANDT"), sapText("BUKRS", 4), sapText("BELNR", 10), col("GJAHR", smallint), col("BUZEI", smallint),
			sapText("BSCHL", 2), sapText("KOART", 1), sapText("SHKZG", 1), col("AUGDT", date).null(), sapText("AUGBL", 10),
			dec("DMBTR", 13, 2), dec("WRBTR", 13, 2), dec("MWSTS", 13, 2).or("0"), sapText("MWSKZ", 2), sapText("HKONT", 10),
			sapText("KUNNR", 10), sapText("ZUONR", 18), sapText("SGTXT", 50), dec("MENGE", 13, 3).null(), sapText("PRCTR", 10),
		},
		indexes: []index{{name: "BSEG~A", columns: []string{"MANDT", "HKONT", "AUGDT"}}},
		fill: func(r *row, i int64) {
			document, item := spread(i, rows, documents)
			r.text(clientOf(document, documents))
			r.padded("", 1000+document*10/documents*100, 4) // ten company codes, in key order
			r.padded("", 100_000_000+document, 10)
			r.int(2000 + document%25)
			r.int(item + 1)
			r.pick("40", "50", "01", "31")
			r.pick("S", "D", "K")
			r.pick("S", "H")
			if r.chance(40) {
				r.null()
				r.text(" ")
			} else {
				r.day(r.below(dayRange))
				r.padded("", 100_000_000+r.below(documents), 10)
			}
			amount := r.below(90_000_000_00)
			r.dec(amount, 2)
			r.dec(amount/2, 2)
			r.dec(-amount/5, 2)
			r.pick("V1", "A1", "", "V0")
			r.padded("", 100_000+r.below(900), 10)
			r.padded("", r.below(60_000), 10)
			r.padded("Z", r.below(1e9), 10)
			r.prose(0, 50)
			if r.chance(70) {
				r.null()
			} else {
				r.dec(r.below(1e9), 3)
			}
			r.padded("PC", r.below(3000), 8)
		},
	}
}

// changeHeaderTable holds the headers of change documents.
func changeHeaderTable(rows, _ int64) *table {
	return &table{
		name: "CDHDR", rows: rows, key: []string{"MANDANT", "OBJECTCLAS", "OBJECTID", "CHANGENR"},
		columns: []column{
			client("MANDANT"), sapText("OBJECTCLAS", 15), sapText("OBJECTID", 90), sapText("CHANGENR", 10), sapText("USERNAME", 12),
			col("UDATE", date), col("UTIME", timeOfDay), sapText("TCODE", 20), sapText("CHANGE_IND", 1), col("LOGGED", boolean).null(),
		},
		fill: func(r *row, i int64) {
			changeKey(r, i, rows)
			r.padded("USER", r.below(400), 4)
			r.day(r.below(dayRange))
			r.clock(-1, r.below(86400))
			r.pick("MM02", "VA02", "FB02", "XD02", "/SAPAPO/MAT1")
			r.pick("U", "I", "D")
			if r.chance(50) {
				r.null()
			} else {
				r.bool(r.chance(50))
			}
		},
	}
}

// changeKey appends the four key columns that change headers and items share.
func changeKey(r *row, change, changes int64) {
	r.text(clientOf(change, changes))
	switch change * 100 / changes % 4 {
	case 0:
		r.text("BELEG")
	case 1:
		r.text("DEBI")
	case 2:
		r.text("MATERIAL")
	default:
		r.text("VERKBELEG")
	}
	r.padded("", change*7+1, 18)
	r.padded("", change+1, 10)
}

// changeItemTable holds the fields of change documents.
func changeItemTable(rows, changes int64) *table {
	return &table{
		name: "CDPOS", rows: rows, key: []string{"MANDANT", "OBJECTCLAS", "OBJECTID", "CHANGENR", "TABNAME", "FNAME", "ITEM"},
		columns: []column{
			client("MANDANT"), sapText("OBJECTCLAS", 15), sapText("OBJECTID", 90), sapText("CHANGENR", 10), sapText("TABNAME", 30),
			sapText("FNAME", 30), col("ITEM", integer), sapText("CHNGIND", 1), str("VALUE_NEW", 254).null(), str("VALUE_OLD", 254).null(),
		},
		fill: func(r *row, i int64) {
			change, item := spread(i, rows, changes)
			changeKey(r, change, changes)
			r.pick("MARA", "KNA1", "VBAP", "BSEG", "MARC")
			r.pick("BRGEW", "NAME1", "KWMENG", "KEY", "LVORM")
			r.int(item)
			r.pick("U", "I", "D", "E")
			for range 2 {
				switch r.below(10) {
				case 0:
					r.null()
				case 1:
					r.text("")
				case 2:
					r.prose(60, 254)
				default:
					r.prose(4, 30)
				}
			}
		},
	}
}

// longTextTable holds compressed texts in numbered pieces, as SAPscript does.
func longTextTable(rows, _ int64) *table {
	names := (rows + 2) / 3
	return &table{
		name: "STXL", rows: rows, key: []string{"MANDT", "RELID", "TDOBJECT", "TDNAME", "TDID", "TDSPRAS", "SRTF2"},
		columns: []column{
			client("MANDT"), sapText("RELID", 2), sapText("TDOBJECT", 10), sapText("TDNAME", 70), sapText("TDID", 4),
			sapText("TDSPRAS", 1), col("SRTF2", integer), col("CLUSTR", smallint), col("CLUSTD", blob).null(),
		},
		fill: func(r *row, i int64) {
			name, piece := spread(i, rows, names)
			r.text(clientOf(name, names))
			r.text("TX")
			r.text("VBBK")
			r.padded("", name+1, 10)
			r.text("0001")
			r.text("E")
			r.int(piece)
			n := 200 + r.below(3600)
			if r.chance(1) {
				n = 0
			}
			r.int(n)
			r.noise(int(n))
		},
	}
}

// bwTable is a fact table as BW makes them: a name with slashes, no key, rows that repeat.
func bwTable(rows, _ int64) *table {
	return &table{
		name: "/BIC/AFOO", rows: rows,
		columns: []column{
			sapText("/BIC/ZMATERIAL", 18), sapText("/BIC/ZREGION", 3), col("CALDAY", date), sapText("CURRENCY", 5),
			dec("/BIC/ZAMOUNT", 15, 2).null(), col("/BIC/ZQUANTITY", bigint).null(), col("/BIC/ZSHARE", double).null(),
		},
		fill: func(r *row, i int64) {
			if i%50 == 49 { // the same row again and again: without a key only counts tell
				r.text("REPEATED")
				r.text("")
				r.day(0)
				r.text("EUR")
				r.null()
				r.int(0)
				r.float(0)
				return
			}
			r.padded("", r.below(200_000)+1, 18)
			r.pick("EU", "US", "JP", " ")
			r.day(r.below(dayRange))
			r.pick("EUR", "USD", "JPY")
			r.dec(r.below(2e12)-1e12, 2)
			r.int(r.below(1e15) - 5e14)
			r.float(float64(r.below(1<<53)) / (1 << 40))
		},
	}
}

// documentTable holds large objects under a key that the engine numbers.
func documentTable(rows, _ int64) *table {
	return &table{
		name: "ZDOCUMENT", rows: rows, custom: true,
		columns: []column{
			col("ID", identity), col("GUID", uuid), str("TITLE", 200), col("BODY", text).null(), col("META", json).null(),
			col("ATTACHMENT", blob).null(), {name: "CREATED", kind: timestamptz, size: 6},
		},
		indexes: []index{{name: "ZDOCUMENT~G", columns: []string{"GUID"}, unique: true}},
		fill: func(r *row, i int64) {
			r.int(i*3 + 1) // gaps, as deleted rows leave them
			r.guid()
			r.prose(10, 120)
			body(r, i)
			if r.chance(10) {
				r.null()
			} else {
				r.text(`{"id": ` + strconv.FormatInt(i, 10) + `, "tags": ["größer", "𝒳"], "ratio": 0.5, "none": null}`)
			}
			switch {
			case i%400 == 3:
				r.noise(100_000 + int(r.below(400_000)))
			case r.chance(70):
				r.null()
			default:
				r.noise(int(r.below(2000)))
			}
			instant(r)
		},
	}
}

// body appends the text of document i.
func body(r *row, i int64) {
	share := r.below(100)
	switch {
	case i%500 == 7:
		r.prose(100_000, 300_000)
	case share < 4:
		r.null()
	case share < 8:
		r.text("")
	default:
		r.prose(200, 3000)
	}
}

// instant appends a UTC instant with microseconds.
func instant(r *row) {
	off := len(r.buf)
	r.clock(r.below(dayRange), r.below(86400))
	r.cells = r.cells[:len(r.cells)-1]
	r.buf = append(r.buf, '.')
	r.appendPadded(r.below(1_000_000), 6)
	r.buf = append(r.buf, "+00:00"...)
	r.closeCell(formText, off)
}
