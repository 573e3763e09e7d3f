package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// settings are the same for both clusters: durability is off, so that what is measured is
// work and not the disk.
const settings = `max_connections = 100
shared_buffers = 1GB
maintenance_work_mem = 512MB
work_mem = 32MB
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = replica
max_wal_senders = 10
max_wal_size = 8GB
checkpoint_timeout = 30min
autovacuum = off
max_parallel_maintenance_workers = 1
max_locks_per_transaction = 1024
jit = off
ssl = off
`

// cluster is one PostgreSQL server on loopback. Its data outlives a run.
type cluster struct {
	dir  string
	bin  string
	port int
	cmd  *exec.Cmd
	done chan struct{}
}

func newCluster(dir, name string) *cluster { return &cluster{dir: filepath.Join(dir, "pg-"+name)} }

// url is the connection URL of a database. Everybody on loopback is trusted.
func (c *cluster) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

// psql is the command line of a client without its statements.
func (c *cluster) psql(database string) string {
	return fmt.Sprintf("%s/psql -qXAt -v ON_ERROR_STOP=1 -d '%s'", c.bin, c.url(database))
}

func (c *cluster) start(ctx context.Context) error {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		return errors.New("PostgreSQL is not installed")
	}
	c.bin = found[len(found)-1]
	credential, err := serverAccount()
	if err != nil {
		return err
	}
	if err := c.initialize(ctx, credential); err != nil {
		return err
	}
	if c.port, err = freePort(); err != nil {
		return err
	}
	log, err := os.Create(c.dir + ".log")
	if err != nil {
		return err
	}
	defer log.Close()
	c.cmd = exec.Command(c.bin+"/postgres", "-D", c.dir, "-p", strconv.Itoa(c.port))
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = "/", log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	c.done = make(chan struct{})
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the death signal comes when the thread that forked ends
		err := c.cmd.Start()
		started <- err
		if err == nil {
			_ = c.cmd.Wait() // ends when stop says so
		}
		close(c.done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if conn, err := pgx.Connect(ctx, c.url("postgres")); err == nil {
			return conn.Close(ctx)
		}
	}
	return fmt.Errorf("server does not answer, see %s.log", c.dir)
}

func (c *cluster) initialize(ctx context.Context, credential *syscall.Credential) error {
	if _, err := os.Stat(filepath.Join(c.dir, "PG_VERSION")); err == nil {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	if credential != nil {
		if err := os.Chown(c.dir, int(credential.Uid), int(credential.Gid)); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, c.bin+"/initdb", "-D", c.dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	conf, err := os.OpenFile(filepath.Join(c.dir, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conf, "listen_addresses = '127.0.0.1'\nunix_socket_directories = '%s'\n%s", c.dir, settings)
	return errors.Join(err, conf.Close())
}

func (c *cluster) stop() error {
	if c.cmd == nil || c.cmd.Process == nil {
		return nil
	}
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop server: %w", err)
	}
	<-c.done
	return nil
}

// exec runs statements, each in a transaction of its own.
func (c *cluster) exec(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, c.url(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%.80s: %w", s, err)
		}
	}
	return nil
}

// number runs a query of one number.
func (c *cluster) number(ctx context.Context, database, query string) (n int64, err error) {
	conn, err := pgx.Connect(ctx, c.url(database))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	return n, conn.QueryRow(ctx, query).Scan(&n)
}

// fresh makes an empty database, replacing one of that name, and leaves nothing to write
// back from earlier runs.
func (c *cluster) fresh(ctx context.Context, name string, statements ...string) error {
	err := c.exec(ctx, "postgres", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)", "CREATE DATABASE "+name+" TEMPLATE template0")
	if err == nil && len(statements) > 0 {
		err = c.exec(ctx, name, statements...)
	}
	if err != nil {
		return err
	}
	return c.exec(ctx, "postgres", "CHECKPOINT")
}

// serverAccount is whom root's servers run as, because PostgreSQL refuses root; nil is the caller.
func serverAccount() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(errUID, errGID)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// cpu is the user and system time of the server's processes so far, in seconds, those
// that have ended included. 0 where it does not run.
func (c *cluster) cpu() float64 {
	if c.cmd == nil || c.cmd.Process == nil {
		return 0
	}
	const ticksPerSecond = 100 // Linux's USER_HZ
	postmaster := strconv.Itoa(c.cmd.Process.Pid)
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	ticks := 0
	for _, path := range stats {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended: the postmaster's own time then holds it
		}
		_, rest, _ := strings.Cut(string(line), ") ")
		f := strings.Fields(rest) // state is the first: the parent is 1, the times are 11 to 14
		if len(f) < 15 || (f[1] != postmaster && !strings.HasPrefix(string(line), postmaster+" ")) {
			continue
		}
		for _, n := range f[11:15] {
			t, err := strconv.Atoi(n)
			if err != nil {
				return 0
			}
			ticks += t
		}
	}
	return float64(ticks) / ticksPerSecond
}
