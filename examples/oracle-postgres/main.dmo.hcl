# The reporting copy of the ERP system moves from Oracle to PostgreSQL. Reports compare with ' ', as
# they always did, so blanks stay as they are.

variable "encrypted" {
  type        = bool
  description = "TLS on both sides; only servers on this very machine may go without."
  default     = true
}

source "oracle" "erp" {
  host     = env("ORACLE_HOST")
  port     = env("ORACLE_PORT")
  service  = env("ORACLE_SERVICE")
  user     = env("ORACLE_USER")
  password = env("ORACLE_PASSWORD")
  schema   = "SAPSR3"
  tls      = var.encrypted ? "verify" : "disable"
}

target "postgres" "reports" {
  host     = env("PGHOST")
  port     = env("PGPORT")
  database = env("PGDATABASE")
  schema   = "sapsr3"
  user     = env("PGUSER")
  password = env("PGPASSWORD")
  sslmode  = var.encrypted ? "verify-full" : "disable"
}

migration "reports" {
  source = source.oracle.erp
  target = target.postgres.reports

  transfer "pipe" {}

  table_group "items" {
    tables = ["BSEG", "VBAP", "CDPOS"]
    split { target_size = "64MiB" }
  }
  table_group "rest" { tables = ["*"] }

  exclude "texts" {
    tables = ["STXL"]
    reason = "long texts are compressed by ABAP; nobody reports on them"
  }

  processes { downtime = 4 }
  verify { default = "content" }
}
