package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
)

const opSame = "compare source and target"

// cluster is what a cluster and its replicas have in common, and a copy that was promoted has not:
// a promotion begins another timeline. It is empty where an administrator has taken the right away.
func cluster(ctx context.Context, s *session) (name string, replica bool, err error) {
	r, err := s.one(ctx, opSame, `SELECT pg_is_in_recovery(),
  has_function_privilege('pg_control_system()', 'EXECUTE') AND has_function_privilege('pg_control_checkpoint()', 'EXECUTE')`)
	if err != nil {
		return "", false, err
	}
	replica = r.bool(0)
	if !r.bool(1) {
		return "", replica, nil
	}
	r, err = s.one(ctx, opSame, `SELECT s.system_identifier || '/' || c.timeline_id || '/' || d.oid
FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database()`)
	if err != nil {
		return "", false, err
	}
	return r.text(0), replica, nil
}

// Mark is a random advisory lock of a session that lives until remove: every role sees it in
// pg_locks of the same database, whatever address leads there. Behind it stands the cluster.
func (db *database) Mark(ctx context.Context) (mark string, remove func(), err error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", func() {}, fmt.Errorf("%s: %w", opSame, err)
	}
	key := formatInt(int64(binary.BigEndian.Uint64(b[:]))) //nolint:gosec // every number is a key
	s, err := db.dial(ctx)
	if err != nil {
		return "", func() {}, err
	}
	name, _, err := cluster(ctx, s)
	if err == nil {
		_, err = s.exec(ctx, opSame, "SELECT pg_advisory_lock_shared("+key+")")
	}
	if err != nil {
		s.close()
		return "", func() {}, err
	}
	return engine + ":" + key + ":" + name, s.close, nil
}

// Shows looks for the lock. On a replica, which has locks of its own, the cluster decides.
func (db *database) Shows(ctx context.Context, mark string) (same bool, err error) {
	kind, rest, _ := strings.Cut(mark, ":")
	key, theirs, _ := strings.Cut(rest, ":")
	if kind != engine {
		return false, nil
	}
	err = db.with(ctx, func(s *session) error {
		r, err := s.one(ctx, opSame, `SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint)`, key)
		if err != nil || r.bool(0) {
			same = err == nil
			return err
		}
		own, replica, err := cluster(ctx, s)
		same = replica && own != "" && own == theirs
		return err
	})
	return same, err
}
