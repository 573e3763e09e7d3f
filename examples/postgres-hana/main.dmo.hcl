# The warehouse that grew on PostgreSQL moves to SAP HANA.

variable "encrypted" {
  type        = bool
  description = "TLS on both sides; only servers on this very machine may go without."
  default     = true
}

source "postgres" "warehouse" {
  host     = env("PGHOST")
  port     = env("PGPORT")
  database = env("PGDATABASE")
  schema   = "sapsr3"
  user     = env("PGUSER")
  password = env("PGPASSWORD")
  sslmode  = var.encrypted ? "verify-full" : "disable"
}

target "hana" "warehouse" {
  host     = env("HANA_HOST")
  port     = env("HANA_PORT")
  user     = env("HANA_USER")
  password = env("HANA_PASSWORD")
  schema   = "WAREHOUSE"
  tls      = var.encrypted ? "verify" : "disable"

  partition {
    tables  = ["CDPOS"]
    columns = ["CHANGENR"]
    parts   = 4
  }
}

migration "warehouse" {
  source = source.postgres.warehouse
  target = target.hana.warehouse

  transfer "pipe" {}

  # timestamptz becomes a timestamp in UTC: HANA has no zones.
  types { time_zone = "utc" }

  table_group "items" {
    tables = ["BSEG", "VBAP", "CDPOS"]
    split { parts = 4 }
  }
  table_group "rest" { tables = ["*"] }

  processes { downtime = 4 }
  verify { default = "content" }
}
