package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/dmoctl/dmoctl/providers"
)

// Mark is device and inode of the file, which links and other paths to it share; a file
// that does not exist yet has none.
func (d *database) Mark(context.Context) (mark string, remove func(), err error) {
	mark, err = d.inode()
	return mark, func() {}, err
}

// Shows compares device and inode.
func (d *database) Shows(_ context.Context, mark string) (bool, error) {
	own, err := d.inode()
	return own == mark, err
}

func (d *database) inode() (string, error) {
	file, err := os.Stat(d.path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", &providers.Error{Kind: providers.Permission, Op: "identify the file", Err: err}
	}
	st, ok := file.Sys().(*syscall.Stat_t)
	if !ok {
		return "", &providers.Error{Kind: providers.Unsupported, Op: "identify the file", Err: errors.New("the platform provides no file numbers")}
	}
	return fmt.Sprintf("%s:%d:%d", engine, st.Dev, st.Ino), nil
}
