package once

import (
	"fmt"
	"runtime"
	"strings"
)

// ExitError is the error of a call that did not return: it panicked, or it ended
// its goroutine with runtime.Goexit. It does not unwrap to what was panicked
// with: a sentinel there is no answer.
type ExitError struct {
	Panic any    // Nil after Goexit. It may have anything in it: do not log it.
	Where string // The function and the line of the panic.
}

// Error names the place and the kind of the panic, and what the runtime said. A
// text of somebody else may have a secret in it.
func (e *ExitError) Error() string {
	switch p := e.Panic.(type) {
	case nil:
		return "the call ended its goroutine (runtime.Goexit)"
	case runtime.Error:
		return fmt.Sprintf("the call panicked in %s: %s", e.Where, p)
	}
	return fmt.Sprintf("the call panicked in %s with a %T", e.Where, e.Panic)
}

// Format keeps every verb from printing Panic.
func (e *ExitError) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.Error()) }

// panicked must be called by the deferred function that recovered value.
func panicked(value any) *ExitError {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	below := false // The frames of the runtime, which called the deferred function.
	for {
		frame, more := frames.Next()
		inside := strings.HasPrefix(frame.Function, "runtime.")
		if below && !inside {
			return &ExitError{Panic: value, Where: fmt.Sprintf("%s, line %d", frame.Function, frame.Line)}
		}
		below = below || inside
		if !more {
			return &ExitError{Panic: value, Where: "a function"}
		}
	}
}
