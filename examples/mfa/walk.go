package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// walk is the life of a factor.
func walk(ctx context.Context, s *shop, out io.Writer) error {
	p, err := newPerson(s)
	if err != nil {
		return err
	}
	w := &walker{person: p, out: out}
	for _, chapter := range []func(context.Context) error{w.enroll, w.verify, w.replay, w.atAuth0, w.lock, w.recover} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	w.events()
	return nil
}

// walker is a person who tells.
type walker struct {
	*person
	out      io.Writer
	recovery []string
	spent    string // The code of verify.
}

func (w *walker) say(format string, args ...any) { fmt.Fprintf(w.out, format+"\n", args...) }

// want fails the walk when the shop does something else than it should.
func (w *walker) want(status int, to string, err error) func(wantStatus int, wantTo string) error {
	return func(wantStatus int, wantTo string) error {
		if err == nil && (status != wantStatus || to != wantTo) {
			err = fmt.Errorf("the shop answered %d %q instead of %d %q: %s", status, to, wantStatus, wantTo, w.problem())
		}
		return err
	}
}

// enroll: a password is not enough to pay; an app is set up by its QR code.
func (w *walker) enroll(context.Context) error {
	if err := w.want(w.get("/login"))(303, "/"); err != nil {
		return err
	}
	if err := w.want(w.get("/pay"))(303, "/mfa/verify?to=%2Fpay"); err != nil {
		return err
	}
	w.say("step-up: with a password alone, /pay sends the browser to /mfa/verify")
	if err := w.want(w.get("/mfa/"))(200, ""); err != nil {
		return err
	}
	if err := w.scan(); err != nil {
		return err
	}
	if err := w.want(w.post("/mfa/confirm", "code", w.code()))(303, "/mfa/codes"); err != nil {
		return err
	}
	if err := w.want(w.get("/mfa/codes"))(200, ""); err != nil {
		return err
	}
	w.recovery = w.codes()
	if err := w.want(w.post("/mfa/codes"))(303, "/mfa/?done=added"); err != nil {
		return err
	}
	w.say("enrolled: the QR code was scanned, its first code confirmed; %d recovery codes", len(w.recovery))
	if err := w.want(w.get("/pay"))(200, ""); err != nil {
		return err
	}
	w.say("the code that confirmed is a fresh proof: paid")
	return nil
}

// answer opens the page that asks for a proof, and sends its form.
func (w *walker) answer(form ...string) (status int, to string, err error) {
	if err := w.want(w.get("/mfa/verify?to=%2Fpay"))(200, ""); err != nil {
		return 0, "", err
	}
	return w.post("/mfa/verify?to=%2Fpay", form...)
}

// verify: the proof grows old.
func (w *walker) verify(context.Context) error {
	w.shop.wait(6 * time.Minute)
	if err := w.want(w.get("/pay"))(303, "/mfa/verify?to=%2Fpay"); err != nil {
		return err
	}
	w.spent = w.code()
	if err := w.want(w.answer("code", w.spent))(303, "/pay"); err != nil {
		return err
	}
	w.say("verify: six minutes later a new code was asked for, and accepted")
	return w.want(w.get("/pay"))(200, "")
}

// replay: somebody has read the code over Ada's shoulder.
func (w *walker) replay(context.Context) error {
	w.shop.wait(15 * time.Second) // The page does not ask whoever has just answered.
	if err := w.want(w.answer("code", w.spent))(422, ""); err != nil {
		return err
	}
	w.say("replay: %s", w.problem())
	return nil
}

// atAuth0: the same app serves the login.
func (w *walker) atAuth0(ctx context.Context) error {
	login := auth0test.Login{Identifier: email, Password: password, OTP: w.code()}
	if _, err := w.shop.tenant.Login(ctx, login); err != nil {
		return err
	}
	w.say("login at Auth0: it asks for a code of the same app, and takes it")
	return nil
}

// lock: somebody guesses, as fast as the shop listens.
func (w *walker) lock(context.Context) error {
	guesses, started := 0, w.shop.now()
	for guesses < 10 {
		status, _, err := w.answer("code", w.wrong())
		if err != nil {
			return err
		}
		if status == 422 {
			guesses++
			continue
		}
		w.shop.wait(30 * time.Second) // 429: too many attempts.
	}
	w.say("lock: ten wrong codes in a row, which took %s", w.shop.now().Sub(started).Round(time.Minute))
	if err := w.want(w.answer("code", w.code()))(422, ""); err != nil {
		return err
	}
	w.say("the right code: %s", w.problem())
	return nil
}

// wrong is no code of the app.
func (w *walker) wrong() string {
	code := []byte(w.code())
	code[0] = '0' + (code[0]-'0'+5)%10
	return string(code)
}

// recover: a recovery code proves enough to set the app up again.
func (w *walker) recover(context.Context) error {
	if err := w.want(w.answer("code", w.recovery[0], "factor", "local-recovery"))(303, "/mfa/codes"); err != nil {
		return err
	}
	if err := w.want(w.get("/mfa/codes"))(200, ""); err != nil {
		return err
	}
	w.say("recovery: one code is spent, %d is shown in its place", len(w.codes()))
	if err := w.want(w.post("/mfa/codes"))(303, "/pay"); err != nil {
		return err
	}
	w.shop.wait(15 * time.Second)
	if err := w.want(w.answer("code", w.recovery[0], "factor", "local-recovery"))(422, ""); err != nil {
		return err
	}
	w.say("the same code again: %s", w.problem())
	if err := w.scan(); err != nil {
		return err
	}
	if err := w.want(w.post("/mfa/confirm", "code", w.code()))(303, "/mfa/?done=added"); err != nil {
		return err
	}
	w.shop.wait(time.Minute)
	if err := w.want(w.answer("code", w.code()))(303, "/pay"); err != nil {
		return err
	}
	w.say("the app was set up anew with that proof: the lock is over, and a code of it pays")
	return w.want(w.get("/pay"))(200, "")
}

// events says what the audit log has of all this.
func (w *walker) events() {
	counts := make(map[string]int)
	for _, e := range w.shop.events.Events() {
		if e.Type != "guardian" {
			continue
		}
		name := e.Action
		if e.Reason != "" {
			name += " " + e.Reason
		}
		counts[name]++
	}
	w.say("recorded:")
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		w.say("  %-28s %d", name, counts[name])
	}
}
