source "sqlite" "shop" {
  path = "shop.db"
}

target "postgres" "copy" {
  host     = env("PGHOST")
  port     = env("PGPORT")
  database = env("PGDATABASE")
  user     = env("PGUSER")
  password = env("PGPASSWORD")
}

staging "local" "move" {
  path   = "staging"
  retain = "always" # other tools read the files afterwards
}

migration "shop" {
  source = source.sqlite.shop
  target = target.postgres.copy

  transfer "file" {
    via       = staging.local.move
    file_size = "64KiB"
  }

  table_group "big" {
    tables = ["orders"]
    split { parts = 3 }
  }
  table_group "rest" { tables = ["*"] }
}
