source "sqlite" "old" { path = "old.db" }
target "sqlite" "new" { path = "new.db" }
staging "local" "files" { path = "export" }

migration "move" {
  source = source.sqlite.old
  target = target.sqlite.new
  transfer "file" {
    via         = staging.local.files
    order       = "serial"
    file_size   = "64MiB"
    compression = "better"
  }
}
