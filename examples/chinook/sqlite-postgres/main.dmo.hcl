variable "target_port" {
  type = number
}
variable "target_database" {
  type = string
}

source "sqlite" "chinook" {
  path = "../chinook.sqlite"
}

target "postgres" "copy" {
  host     = "127.0.0.1"
  port     = var.target_port
  database = var.target_database
  user     = "postgres"
  sslmode  = "disable"
}

migration "chinook" {
  source = source.sqlite.chinook
  target = target.postgres.copy

  transfer "pipe" {}
}
