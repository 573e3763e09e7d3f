locals {
  a = local.b
  b = local.a
  c = parseint(env("DMO_SOURCE_PASSWORD"), 10)
  d = { for x in [1, 2] : env("DMO_SOURCE_PASSWORD") => x }
  e = jsondecode(env("DMO_SOURCE_PASSWORD"))
  f = [1, 2, 3][*].x
  g = <<-EOT
    %{if true}${"x"}%{else}y%{endif}
  EOT
}
source "postgres" "erp" {
  hots     = "db01"
  port     = "abc"
  password = "hunter2"
  tls      = env("NOT_SET")
}
migration "erp" {
  source = source.postgres.typo
  tabels = 1
  dynamic "table_group" {
    for_each = ["x", "y"]
    labels   = [table_group.value]
    content { tables = [table_group.value, "A"] }
  }
}
