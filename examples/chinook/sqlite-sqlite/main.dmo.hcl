source "sqlite" "chinook" {
  path = "../chinook.sqlite"
}

target "sqlite" "copy" {
  path = "copy.sqlite"
}

migration "chinook" {
  source = source.sqlite.chinook
  target = target.sqlite.copy

  transfer "pipe" {}

  table_group "tracks" {
    tables = ["Track", "PlaylistTrack"]
    split { parts = 3 }
  }
  table_group "rest" { tables = ["*"] }
}
