-- A database of Chinook's shape, so that run.sh is tested where Chinook is not at hand.
CREATE DATABASE chinook;
\c chinook;
CREATE TABLE artist (artist_id INT NOT NULL, name VARCHAR(120), CONSTRAINT artist_pkey PRIMARY KEY (artist_id));
CREATE TABLE track (
  track_id INT NOT NULL, title VARCHAR(200) NOT NULL, artist_id INT, unit_price NUMERIC(10,2) NOT NULL, bought TIMESTAMP,
  CONSTRAINT track_pkey PRIMARY KEY (track_id)
);
CREATE TABLE playlist_track (playlist_id INT NOT NULL, track_id INT NOT NULL, CONSTRAINT playlist_track_pkey PRIMARY KEY (playlist_id, track_id));
INSERT INTO artist VALUES (1, 'Ærøskøbing'), (2, NULL), (3, 'a|b''c');
INSERT INTO track SELECT i, 'Title ' || i || E'\n😀', CASE WHEN i % 4 = 0 THEN NULL ELSE i % 3 + 1 END, i / 4.0, timestamp '2021-01-01' + i * interval '1 hour' FROM generate_series(1, 300) i;
INSERT INTO playlist_track SELECT track_id % 7, track_id FROM track;
ALTER TABLE track ADD CONSTRAINT track_artist_id_fkey FOREIGN KEY (artist_id) REFERENCES artist (artist_id) ON DELETE NO ACTION ON UPDATE NO ACTION;
CREATE INDEX track_artist_id_idx ON track (artist_id);
ALTER TABLE playlist_track ADD CONSTRAINT playlist_track_track_id_fkey FOREIGN KEY (track_id) REFERENCES track (track_id) ON DELETE NO ACTION ON UPDATE NO ACTION;
