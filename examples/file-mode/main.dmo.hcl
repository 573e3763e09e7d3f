# The same ERP, where the two servers do not see each other at full speed: rows rest as
# export files on a disk that both sides mount.

variable "staging" {
  type        = string
  description = "Directory for the export files; it needs about a quarter of the database's size."
  default     = "staging"
}

source "postgres" "old" {
  host     = env("SOURCE_PGHOST")
  port     = env("SOURCE_PGPORT")
  database = env("SOURCE_PGDATABASE")
  schema   = "sapsr3"
  user     = env("SOURCE_PGUSER")
  password = env("SOURCE_PGPASSWORD")
}

target "postgres" "new" {
  host     = env("TARGET_PGHOST")
  port     = env("TARGET_PGPORT")
  database = env("TARGET_PGDATABASE")
  user     = env("TARGET_PGUSER")
  password = env("TARGET_PGPASSWORD")
}

staging "local" "disk" {
  path   = var.staging
  retain = "until_verified"
}

migration "erp" {
  source = source.postgres.old
  target = target.postgres.new

  transfer "file" {
    via         = staging.local.disk
    file_size   = "64MiB"
    compression = "fastest"
  }

  table_group "items" {
    tables = ["BSEG", "VBAP", "CD*"]
    split { parts = 4 }
  }
  table_group "rest" { tables = ["*"] }

  verify { default = "content" }
}
