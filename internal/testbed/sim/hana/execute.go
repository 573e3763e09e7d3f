package hana

import (
	"encoding/binary"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// execution is one run of a statement.
type execution struct {
	cmd    *command
	direct bool // its metadata go with the reply
	fetch  int
	params *parameters
	rows   int // of parameters
}

// run executes a statement of any kind and ends its transaction where the message
// or the statement says so.
func (s *session) run(x *execution) (*reply, error) {
	cmd := x.cmd
	switch {
	case cmd.set != nil:
		if err := cmd.set(); err != nil {
			return nil, err
		}
		return &reply{function: cmd.function}, nil
	case cmd.ddl != nil:
		return s.runDDL(cmd)
	case cmd.query != nil:
		return s.runQuery(x)
	}
	if s.readOnly {
		return nil, &Error{Code: 7, Text: "feature not supported: data change in a read only transaction"}
	}
	if r, ok := s.srv.canned.swallow(x); ok {
		return r, s.settleAuto(nil)
	}
	r, err := s.runRows(x)
	if err != nil {
		return nil, s.settleAuto(err)
	}
	return r, s.settleAuto(nil)
}

// settleAuto ends the transaction of a message that is its own.
func (s *session) settleAuto(err error) error {
	if !s.auto {
		return err
	}
	if err != nil {
		s.rollback()
		return err
	}
	return s.commit()
}

// runDDL runs a change of the catalog: it commits what was open before and itself,
// unless SET TRANSACTION AUTOCOMMIT DDL OFF was sent.
func (s *session) runDDL(cmd *command) (*reply, error) {
	commits := s.ddlAuto || s.auto
	if commits {
		if err := s.commit(); err != nil {
			return nil, err
		}
	}
	tx := s.transaction()
	undos := len(tx.undos)
	sp := tx.Savepoint()
	if err := cmd.ddl(tx); err != nil {
		if commits {
			s.rollback()
			return nil, err
		}
		for i := len(tx.undos) - 1; i >= undos; i-- {
			tx.undos[i]()
		}
		tx.undos, tx.commits = tx.undos[:undos], tx.commits[:undos]
		tx.RollbackTo(sp)
		return nil, err
	}
	if commits {
		return &reply{function: cmd.function}, s.commit()
	}
	return &reply{function: cmd.function}, nil
}

// failedRow marks a row of parameters whose statement failed (rows affected -3).
const failedRow = -3

// runRows runs a change of rows once a row of parameters. A row that fails is undone
// alone; the others stay, and the reply says which failed (go-hdb, driver/bulk_test.go).
func (s *session) runRows(x *execution) (*reply, error) {
	tx := s.transaction()
	if err := s.lockTable(tx, x.cmd.table, store.IntentExclusive); err != nil {
		return nil, err
	}
	c := &change{s: s, tx: tx, ctx: s.ctx, wait: s.wait()}
	values := make([]store.Value, len(x.cmd.params))
	affected := make([]byte, 0, 4*x.rows)
	var errs []*Error
	var ids []byte
	for i := range x.rows {
		n, err := int64(0), error(nil)
		if x.params != nil {
			if err = x.params.row(values); err == nil {
				c.lobs = x.params.lobs
				err = s.takeLobs(c, values)
			} else if !rowOnly(err) {
				return nil, err
			}
		}
		if err == nil {
			sp := tx.Savepoint()
			if n, err = x.cmd.rows(c, values); err != nil {
				tx.RollbackTo(sp)
			}
		}
		if err == nil && openLobs(c.lobs) {
			ids, err = s.openWriters(x, c, i)
		}
		if err != nil {
			e := asError(err)
			if rollsBack[e.Code] || x.rows == 1 {
				return nil, e
			}
			errs = append(errs, e)
			n = failedRow
		}
		affected = binary.LittleEndian.AppendUint32(affected, uint32(int32(n)))
	}
	r := &reply{function: x.cmd.function}
	r.add(partRowsAffected, x.rows, affected)
	if len(errs) > 0 {
		r.failed = true
		r.addErrors(errs)
	}
	if len(ids) > 0 {
		r.add(partWriteLobReply, len(ids)/8, ids)
	}
	return r, nil
}

// rowOnly says whether a value is wrong but the rows behind it can be read.
func rowOnly(err error) bool {
	code := asError(err).Code
	return code != 1033
}
