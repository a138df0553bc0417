package main

import (
	"bufio"
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"
)

// Example is the walk.
func Example() {
	if err := run(context.Background(), nil, os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// step-up: with a password alone, /pay sends the browser to /mfa/verify
	// enrolled: the QR code was scanned, its first code confirmed; 10 recovery codes
	// the code that confirmed is a fresh proof: paid
	// verify: six minutes later a new code was asked for, and accepted
	// replay: That code was used before. Wait for the next one.
	// login at Auth0: it asks for a code of the same app, and takes it
	// lock: ten wrong codes in a row, which took 16m0s
	// the right code: This method is locked after too many attempts. Use another one or a recovery code, then set it up again.
	// recovery: one code is spent, 1 is shown in its place
	// the same code again: That is none of your codes, or it was used before.
	// the app was set up anew with that proof: the lock is over, and a code of it pays
	// recorded:
	//   guardian.confirm             2
	//   guardian.enroll              2
	//   guardian.lock                1
	//   guardian.verify              3
	//   guardian.verify locked       1
	//   guardian.verify replayed     1
	//   guardian.verify throttled    31
	//   guardian.verify wrong_code   11
}

// TestServe opens the shop on a socket, signed in and not.
func TestServe(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-serve", "127.0.0.1:0"}, write) }()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	home := strings.TrimSpace(strings.TrimPrefix(line, "serving on "))
	for path, want := range map[string]int{"": 200, "mfa/": 401, "pay": 401, "none": 404} {
		res, err := http.Get(home + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("/%s: %d, want %d", path, res.StatusCode, want)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), []string{"-serve", "no such address"}, io.Discard); err == nil {
		t.Error("a bad address was served on")
	}
}
