source "sqlite" "erp" {
  path = "../erp.db"
}

target "sqlite" "new" {
  path = "new.db"
}

migration "demo" {
  source = source.sqlite.erp
  target = target.sqlite.new

  transfer "pipe" {}

  table_group "big" {
    tables = ["BSEG", "VBAP", "CDPOS"]
    split { parts = 4 }
  }
  table_group "rest" { tables = ["*"] }

  verify { default = "content" }
}
