package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Modes of Stop, as pg_ctl has them.
const (
	Fast      = syscall.SIGINT  // ends sessions, then writes everything out
	Immediate = syscall.SIGQUIT // like a crash: recovery at the next start
)

const startTimeout = 60 * time.Second

// process is a running postmaster.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended
}

func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// launch starts a program whose death signal comes when the test binary ends. The signal
// hangs on the thread that forks, so that thread stays until the program has ended.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // a server that is stopped may end with any code
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// PID returns the postmaster's process id.
func (s *Server) PID() int { return s.process.cmd.Process.Pid }

// Stop ends the server and waits until it is gone.
func (s *Server) Stop(mode syscall.Signal) error {
	if !s.process.running() {
		return nil
	}
	if err := s.process.cmd.Process.Signal(mode); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.process.done:
		return nil
	case <-time.After(startTimeout):
		_ = s.process.cmd.Process.Signal(Immediate)
		<-s.process.done
		return fmt.Errorf("server did not stop within %s", startTimeout)
	}
}

// Restart starts the server again on its port after Stop, and waits until it answers.
func (s *Server) Restart() error {
	if err := s.configure(); err != nil {
		return err
	}
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(s.Bin, "postgres"), "-D", filepath.Join(s.dir, "data"))
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = "/", log, log, s.user.attr()
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	if s.process, err = launch(cmd); err != nil {
		return err
	}
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !s.process.running() {
			return fmt.Errorf("server ended at once:\n%s", s.Log())
		}
		if s.ready() {
			return nil
		}
	}
	return fmt.Errorf("server is not ready after %s:\n%s", startTimeout, s.Log())
}

// ready reads what the postmaster writes about itself: the last line says
// "ready" once it takes connections.
func (s *Server) ready() bool {
	b, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return len(lines) >= 8 && lines[0] == fmt.Sprint(s.PID()) && strings.TrimSpace(lines[7]) == "ready"
}

// Log returns what the server has logged so far.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "server.log") }

func (s *Server) configure() error {
	lines := []string{
		"listen_addresses = '127.0.0.1'",
		fmt.Sprintf("port = %d", s.Port),
		"unix_socket_directories = '" + s.dir + "'",
		"max_connections = 60", "shared_buffers = '64MB'", "max_wal_size = '1GB'",
		"fsync = off", "full_page_writes = off", // a server that is killed keeps what the machine has taken
		"wal_level = minimal", "max_wal_senders = 0", "autovacuum = off", "jit = off",
		"max_prepared_transactions = 4", "timezone = 'UTC'", "log_line_prefix = '%m [%p] '",
	}
	conf := strings.Join(append(lines, s.settings...), "\n") + "\n"
	if err := s.write("postgresql.auto.conf", conf); err != nil {
		return err
	}
	return s.write("pg_hba.conf", "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
}

func (s *Server) write(name, content string) error {
	path := filepath.Join(s.dir, "data", name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return s.user.own(path)
}

func (s *Server) close() error {
	err := s.Stop(Immediate)
	return errors.Join(err, os.RemoveAll(s.dir))
}
