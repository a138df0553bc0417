//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package auditlog

import (
	"errors"
	"os"
)

// lockFile is what this system lacks: without it two processes could drain and remove
// one file.
func lockFile(*os.File) error { return errors.ErrUnsupported }
