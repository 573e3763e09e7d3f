dmo {
  required_version = ">= 0.1"
  state "local" { path = ".dmo/state.db" }
  history = ["rehearsal-3.json"]
}

variable "sid" {
  type        = string
  description = "System ID, e.g. PRD."
  validation {
    condition     = length(var.sid) == 3
    error_message = "A system ID has three characters."
  }
}

variable "password" {
  type      = string
  sensitive = true
  default   = null
}

locals {
  big   = ["CDCLS", "BSEG", "EDI40"]
  lower = lower(var.sid)
}

source "postgres" "erp" {
  host        = "db-${local.lower}"
  schema      = var.sid
  consistency = "quiet"
  user        = env("DMO_SOURCE_USER")
  password    = env("DMO_SOURCE_PASSWORD")
}

target "postgres" "s4" {
  host     = "db02"
  port     = 5433
  user     = env("DMO_TARGET_USER")
  password = env("DMO_TARGET_PASSWORD")
  existing = "recreate"
}

migration "erp" {
  source = source.postgres.erp
  target = target.postgres.s4

  transfer "pipe" {}

  table_group "big" {
    tables = local.big
    split { target_size = "1GiB" }
  }
  dynamic "table_group" {
    for_each = toset(["x", "y"])
    labels   = ["group_${table_group.value}"]
    content {
      tables = ["${upper(table_group.value)}*"]
      split {
        by    = "key"
        parts = table_group.value == "x" ? 16 : 4
      }
    }
  }
  table_group "rest" { tables = ["*"] }

  exclude "database_specific" {
    tables  = ["DBATL", "SDBAH"]
    content = "none"
    reason  = "Oracle monitoring tables"
  }
  rename {
    table = "OTHER.T1"
    to    = "T1"
  }
  processes {
    downtime = 64
    verify   = 32
    memory   = "4GiB"
  }
  types {
    invalid_date = "null"
    overflow     = "fail"
    nul          = "strip"
    lob_max      = "256MiB"
    empty_string = "null"
    blank        = "abap"
    time_zone    = "utc"
    number       = "decimal(38, 10)"
  }
  verify {
    default = "content"
    exception "REPOSRC" {
      rule   = "ignlargercount"
      reason = "may change while it is cloned"
    }
  }
}
