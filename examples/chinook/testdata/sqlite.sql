-- A database of Chinook's shape, so that run.sh is tested where Chinook is not at hand.
CREATE TABLE Artist (ArtistId INTEGER NOT NULL, Name NVARCHAR(120), CONSTRAINT PK_Artist PRIMARY KEY (ArtistId));
CREATE TABLE Track (
  TrackId INTEGER NOT NULL, Title NVARCHAR(200) NOT NULL, ArtistId INTEGER, NextId INTEGER, UnitPrice NUMERIC(10,2) NOT NULL, Bought DATETIME,
  CONSTRAINT PK_Track PRIMARY KEY (TrackId),
  FOREIGN KEY (ArtistId) REFERENCES Artist (ArtistId) ON DELETE NO ACTION ON UPDATE NO ACTION,
  FOREIGN KEY (NextId) REFERENCES Track (TrackId) ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX IFK_TrackArtistId ON Track (ArtistId);
CREATE TABLE PlaylistTrack (
  PlaylistId INTEGER NOT NULL, TrackId INTEGER NOT NULL, CONSTRAINT PK_PlaylistTrack PRIMARY KEY (PlaylistId, TrackId),
  FOREIGN KEY (TrackId) REFERENCES Track (TrackId) ON DELETE NO ACTION ON UPDATE NO ACTION
);
INSERT INTO Artist VALUES (1, 'Ærøskøbing'), (2, NULL), (3, 'a|b''c');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO Track SELECT i, 'Title ' || i || char(10) || '😀', CASE WHEN i % 4 = 0 THEN NULL ELSE i % 3 + 1 END,
  CASE WHEN i > 1 THEN i - 1 END, i / 4.0, CASE WHEN i % 5 > 0 THEN datetime('2021-01-01', '+' || i || ' hours') END FROM n;
INSERT INTO PlaylistTrack SELECT TrackId % 7, TrackId FROM Track;
