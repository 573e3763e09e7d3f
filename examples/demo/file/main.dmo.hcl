source "sqlite" "erp" {
  path = "../erp.db"
}

target "sqlite" "new" {
  path = "new.db"
}

staging "local" "move" {
  path = "staging"
}

migration "demo" {
  source = source.sqlite.erp
  target = target.sqlite.new

  transfer "file" {
    via         = staging.local.move
    compression = "fastest"
  }

  table_group "big" {
    tables = ["BSEG", "VBAP", "CDPOS"]
    split { target_size = "16MiB" }
  }
  table_group "rest" { tables = ["*"] }

  verify { default = "content" }
}
