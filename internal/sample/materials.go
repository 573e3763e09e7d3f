package sample

// materialTable is the material master.
func materialTable(rows, _ int64) *table {
	return &table{
		name: "MARA", rows: rows, key: []string{"MANDT", "MATNR"},
		columns: []column{
			client("MANDT"), sapText("MATNR", 18), col("ERSDA", date), sapText("ERNAM", 12), col("LAEDA", date).null(),
			sapText("MTART", 4), sapText("MATKL", 9), sapText("MEINS", 3), dec("BRGEW", 13, 3), dec("NTGEW", 13, 3),
			sapText("GEWEI", 3), col("LVORM", boolean), sapText("EAN11", 18), col("VERSION", smallint),
		},
		indexes: []index{{name: "MARA~T", columns: []string{"MANDT", "MTART"}}, {name: "MARA~L", columns: []string{"MANDT", "LAEDA"}}},
		fill: func(r *row, i int64) {
			r.text(clientOf(i, rows))
			r.padded("", i+1, 18)
			day := r.below(8000)
			r.day(day)
			r.padded("USER", r.below(400), 4)
			if r.chance(30) {
				r.null()
			} else {
				r.day(day + 1 + r.below(1400))
			}
			r.pick("FERT", "HALB", "ROH", "HAWA", "DIEN")
			r.padded("MK", r.below(900), 4)
			r.pick("ST", "KG", "M", "PAL", "L")
			weight := r.below(900_000_000)
			r.dec(weight, 3)
			r.dec(weight*9/10, 3)
			r.pick("KG", "G", "TO")
			r.bool(r.chance(3))
			if r.chance(40) {
				r.text(" ") // what ABAP stores for an empty field
			} else {
				r.padded("40", r.below(1e11), 11)
			}
			r.int(r.below(40))
		},
	}
}

// materialTextTable holds a material's names by language.
func materialTextTable(rows, materials int64) *table {
	return &table{
		name: "MAKT", rows: rows, key: []string{"MANDT", "MATNR", "SPRAS"}, withoutRowID: true,
		columns:    []column{client("MANDT"), sapText("MATNR", 18), sapText("SPRAS", 2), sapText("MAKTX", 40), sapText("MAKTG", 40)},
		references: []reference{{columns: []string{"MANDT", "MATNR"}, table: "MARA", to: []string{"MANDT", "MATNR"}}},
		fill: func(r *row, i int64) {
			m, language := spread(i, rows, materials)
			r.text(clientOf(m, materials))
			r.padded("", m+1, 18)
			r.padded("", language, 2)
			r.prose(8, 40)
			r.prose(8, 40)
		},
	}
}

// orderTable holds the headers of sales documents.
func orderTable(rows, _ int64) *table {
	return &table{
		name: "VBAK", rows: rows, key: []string{"MANDT", "VBELN"},
		columns: []column{
			client("MANDT"), sapText("VBELN", 10), col("ERDAT", date), col("ERZET", timeOfDay), sapText("ERNAM", 12),
			sapText("AUART", 4), sapText("VKORG", 4), sapText("VTWEG", 2), sapText("KUNNR", 10), sapText("BSTNK", 20),
			dec("NETWR", 15, 2), sapText("WAERK", 5), col("VDATU", date).null(), {name: "AEDAT", kind: timestamp, nullable: true},
		},
		indexes: []index{{name: "VBAK~K", columns: []string{"MANDT", "KUNNR", "ERDAT"}}},
		fill: func(r *row, i int64) {
			r.text(clientOf(i, rows))
			r.padded("", i+1, 10)
			day := r.below(9000)
			r.day(day)
			r.clock(-1, r.below(86400))
			r.padded("USER", r.below(400), 4)
			r.pick("OR", "RE", "CR", "DR", "QT")
			r.padded("", 1000+r.below(8)*100, 4)
			r.padded("", 10+r.below(3), 2)
			r.padded("", 100_000+r.below(60_000), 10)
			r.prose(0, 20)
			r.dec(r.below(5_000_000_00)-1_000_00, 2)
			r.pick("EUR", "USD", "JPY", "CHF")
			if r.chance(10) {
				r.null()
			} else {
				r.day(day + r.below(90))
			}
			if r.chance(50) {
				r.null()
			} else {
				r.clock(day+r.below(60), r.below(86400))
			}
		},
	}
}

// orderItemTable holds the items of sales documents.
func orderItemTable(rows, orders int64) *table {
	return &table{
		name: "VBAP", rows: rows, key: []string{"MANDT", "VBELN", "POSNR"},
		columns: []column{
			client("MANDT"), sapText("VBELN", 10), col("POSNR", integer), sapText("MATNR", 18), sapText("ARKTX", 40),
			dec("KWMENG", 15, 3).or("0"), sapText("VRKME", 3), dec("NETPR", 11, 2), dec("NETWR", 15, 2), sapText("WERKS", 4),
			sapText("LGORT", 4), sapText("ABGRU", 2), col("ERDAT", date), dec("UMVKZ", 5, 0), sapText("PRCTR", 10), dec("SKTOF", 9, 5).null(),
		},
		references: []reference{{columns: []string{"MANDT", "VBELN"}, table: "VBAK", to: []string{"MANDT", "VBELN"}}},
		check:      `"KWMENG" >= 0`,
		fill: func(r *row, i int64) {
			order, item := spread(i, rows, orders)
			r.text(clientOf(order, orders))
			r.padded("", order+1, 10)
			r.int(10 * (item + 1))
			r.padded("", r.below(200_000)+1, 18)
			r.prose(8, 40)
			quantity, price := r.below(500)+1, r.below(2_000_000)
			r.dec(quantity*1000, 3)
			r.pick("ST", "KG", "M", "PAL")
			r.dec(price, 2)
			r.dec(quantity*price, 2)
			r.padded("", 1000+r.below(40), 4)
			r.padded("", 1+r.below(30), 4)
			if r.chance(95) {
				r.text("")
			} else {
				r.padded("", r.below(60), 2)
			}
			r.day(r.below(9000))
			r.dec(1+r.below(99), 0)
			r.padded("PC", r.below(3000), 8)
			if r.chance(60) {
				r.null()
			} else {
				r.dec(r.below(100_000_000)-50_000_000, 5)
			}
		},
	}
}
