variable "source_port" {
  type = number
}
variable "target_port" {
  type = number
}
variable "target_database" {
  type = string
}

source "postgres" "chinook" {
  host     = "127.0.0.1"
  port     = var.source_port
  database = "chinook"
  user     = "postgres"
  sslmode  = "disable"
}

target "postgres" "copy" {
  host     = "127.0.0.1"
  port     = var.target_port
  database = var.target_database
  user     = "postgres"
  sslmode  = "disable"
}

migration "chinook" {
  source = source.postgres.chinook
  target = target.postgres.copy

  transfer "pipe" {}

  table_group "tracks" {
    tables = ["track", "playlist_track"]
    split { parts = 3 }
  }
  table_group "rest" { tables = ["*"] }
}
