package sample

// vocabulary is what texts are made of: business words, some beyond ASCII and one
// beyond the basic plane. It is never changed.
var vocabulary = [...]string{
	"material", "plant", "storage", "bin", "pallet", "carton", "pump", "valve", "bearing", "gasket", "flange", "housing",
	"steel", "copper", "rubber", "coated", "galvanised", "left", "right", "upper", "lower", "spare", "kit", "set",
	"order", "item", "schedule", "delivery", "shipment", "route", "dock", "gate", "carrier", "freight", "customs", "export",
	"invoice", "credit", "memo", "payment", "terms", "discount", "dunning", "clearing", "posting", "reversal", "accrual",
	"ledger", "account", "balance", "period", "closing", "budget", "cost", "centre", "profit", "segment", "allocation",
	"customer", "vendor", "partner", "contact", "region", "branch", "office", "contract", "release", "approval", "blocked",
	"quality", "inspection", "lot", "sample", "defect", "rework", "scrap", "yield", "batch", "expiry", "recall",
	"Größe", "Prüfung", "Übergabe", "façade", "señal", "čtvrtletí", "заказ", "部品", "納期", "🏭",
	"of", "for", "with", "and", "per", "on", "by", "to", "from", "in", "at", "as", "is", "was", "not", "no",
}
