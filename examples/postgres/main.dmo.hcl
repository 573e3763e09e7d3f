# The ERP moves from the server in the basement to the one in the data centre, over a
# weekend: nobody works on it, so the source is declared quiet, and dmoctl checks that.

dmo {
  required_version = ">= 0.1"
}

locals {
  # Tables that are large enough to be worth cutting.
  documents = ["BSEG", "VBAP", "CDPOS"]
}

source "postgres" "basement" {
  host        = env("SOURCE_PGHOST")
  port        = env("SOURCE_PGPORT")
  database    = env("SOURCE_PGDATABASE")
  schema      = "sapsr3"
  user        = env("SOURCE_PGUSER")
  password    = env("SOURCE_PGPASSWORD")
  consistency = "quiet"
}

target "postgres" "datacentre" {
  host     = env("TARGET_PGHOST")
  port     = env("TARGET_PGPORT")
  database = env("TARGET_PGDATABASE")
  schema   = "erp"
  user     = env("TARGET_PGUSER")
  password = env("TARGET_PGPASSWORD")
  existing = "require-empty"
}

migration "erp" {
  source = source.postgres.basement
  target = target.postgres.datacentre

  transfer "pipe" {}

  table_group "documents" {
    tables = local.documents
    split { target_size = "256MiB" }
  }
  table_group "rest" { tables = ["*"] }

  exclude "change_log" {
    tables  = ["CDHDR"]
    content = "structure"
    reason  = "change headers before the move are kept in the archive"
  }

  rename {
    table = "ZSTAFF"
    to    = "STAFF"
  }

  processes {
    downtime = 4
    memory   = "1GiB"
  }

  types {
    invalid_date = "fail"
    overflow     = "fail"
    nul          = "fail"
  }

  verify {
    default = "content"
    exception "STXL" {
      rule   = "ignlargercount"
      reason = "texts may still arrive from the print server"
    }
  }
}
