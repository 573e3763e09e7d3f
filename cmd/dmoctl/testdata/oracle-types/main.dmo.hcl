# A column of every Oracle type, to SAP HANA.

source "oracle" "erp" {
  host     = env("ORACLE_HOST")
  port     = env("ORACLE_PORT")
  service  = "ERP"
  user     = "SAPSR3"
  password = env("ORACLE_PASSWORD")
  tls      = "disable"
}

target "hana" "s4" {
  host     = env("HANA_HOST")
  port     = env("HANA_PORT")
  user     = "SYSTEM"
  password = env("HANA_PASSWORD")
  schema   = "SAPHANADB"
  tls      = "disable"
}

migration "types" {
  source = source.oracle.erp
  target = target.hana.s4

  transfer "pipe" {}

  types { time_zone = "utc" }

  exclude "refused" { tables = ["ZR_*"] }

  processes {
    downtime = 2
    memory   = "1GiB"
  }
}
