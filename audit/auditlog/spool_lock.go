//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package auditlog

import (
	"os"
	"syscall"
)

// lockFile takes the lock of a file, or fails at once. It ends with the process.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
