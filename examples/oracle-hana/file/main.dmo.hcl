# The ERP system's schema moves from Oracle to SAP HANA where the two sites do not see each other
# at full speed: rows rest as export files in a directory on the way.

variable "processes" {
  type        = number
  description = "Packages at once: about two for each CPU of the machine that dmoctl runs on."
  default     = 4
}

variable "encrypted" {
  type        = bool
  description = "TLS on both sides; only servers on this very machine may go without."
  default     = true
}

variable "staging" {
  type        = string
  description = "Directory for the export files; it needs about a quarter of the database's size."
  default     = "staging"
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

target "hana" "s4" {
  host     = env("HANA_HOST")
  port     = env("HANA_PORT")
  user     = env("HANA_USER")
  password = env("HANA_PASSWORD")
  schema   = "SAPHANADB"
  tls      = var.encrypted ? "verify" : "disable"

  partition {
    tables  = ["BSEG"]
    columns = ["BELNR"]
    parts   = 4
  }
}

staging "local" "disk" {
  path   = var.staging
  retain = "until_verified"
}

migration "erp" {
  source = source.oracle.erp
  target = target.hana.s4

  transfer "file" {
    via         = staging.local.disk
    file_size   = "64MiB"
    compression = "fastest"
  }

  # ABAP's empty fields are one blank on Oracle and '' on HANA; HANA has no time zones.
  types {
    blank     = "abap"
    time_zone = "utc"
  }

  # Copied again by the application after the move: structure only, so that it can log in.
  exclude "work_areas" {
    tables  = ["ZE00000*"]
    content = "structure"
    reason  = "work areas, empty after a restart"
  }

  table_group "large" {
    tables = ["BSEG", "CDPOS", "VBAP", "/BIC/*"]
    split { parts = 4 }
  }
  table_group "documents" {
    tables = ["STXL", "ZDOCUMENT"]
    split { parts = 2 }
  }
  table_group "rest" { tables = ["*"] }

  processes { downtime = var.processes }
  verify { default = "content" }
}
