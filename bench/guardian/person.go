package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/auth0kit/auth0kit/guardian"
)

// person has a phone whose clock is ahead by skew seconds and drifts by drift
// seconds a day, types in pace seconds, and mistypes that share of codes.
type person struct {
	w                         *world
	id, clock                 string
	skew, drift, pace, errors float64
	enrolledAt                time.Time
	address                   func() netip.Addr
	attacked                  bool
	secret                    []byte
	recovery                  []string
	onIn                      func()

	logins, late, refused, throttled, lockedOut, recovered, shutOut int
}

// code is what an app shows.
func code(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // A hash takes everything.
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&0xf:])&0x7fffffff%1_000_000)
}

// step is what the phone is at.
func (p *person) step() int64 {
	skew := p.skew + p.drift*p.w.now.Sub(p.enrolledAt).Hours()/24
	skew = min(max(skew, -115), 115)
	return p.w.now.Add(p.w.seconds(skew)).Unix() / 30
}

// typing is how long reading and typing a code takes.
func (p *person) typing() time.Duration { return p.w.seconds(2 + p.w.lognormal(p.pace, .5)) }

func (p *person) enroll() error { return p.bind(nil) }

// bind sets an app up, with a first code that is typed more slowly than others.
func (p *person) bind(proof *guardian.Verification) error {
	key, err := p.w.factors.EnrollTOTP(context.Background(), p.id, "ada", proof)
	if err != nil {
		return fmt.Errorf("enroll: %w", err)
	}
	if p.secret, err = base32.StdEncoding.DecodeString(key.Secret()); err != nil {
		return err
	}
	p.typeFirst()
	return nil
}

func (p *person) typeFirst() {
	step := p.step()
	p.w.after(2*p.typing(), func() error {
		codes, err := p.w.factors.ConfirmTOTP(context.Background(), p.id, code(p.secret, step))
		switch no, is := errors.AsType[*guardian.VerifyError](err); {
		case is && no.Err == guardian.ErrWrongCode: // Too slow; once more.
			p.typeFirst()
			return nil
		case err != nil:
			return fmt.Errorf("confirm: %w", err)
		}
		if codes != nil {
			p.recovery = codes
		}
		p.tomorrow()
		return nil
	})
}

func (p *person) tomorrow() {
	p.w.after(p.w.seconds(86400*(.5+p.w.Float64())), func() error {
		p.logins++
		p.visit(0)
		return nil
	})
}

// visit reads a code and types it: now right, now wrong, now late. Who is refused
// tries again, most after as long as the page says.
func (p *person) visit(tries int) {
	step, typed := p.step(), ""
	typed = code(p.secret, step)
	if p.w.Float64() < p.errors {
		other := []byte(typed)
		other[p.w.IntN(6)] = byte('0' + p.w.IntN(10))
		typed = string(other)
	}
	p.w.after(p.typing(), func() error {
		_, no, err := p.w.verify(p.id, guardian.LocalTOTP, typed, p.address())
		at := p.w.now.Unix() / 30
		right := typed == code(p.secret, step) && (step == p.step() || max(step-at, at-step) <= 1)
		switch {
		case err != nil:
			return err
		case no == nil:
			p.tomorrow()
			if p.onIn != nil {
				p.onIn()
			}
			return nil
		case right:
			p.refused++
		case typed == code(p.secret, step):
			p.late++
		}
		return p.again(no, tries)
	})
}

func (p *person) again(no *guardian.VerifyError, tries int) error {
	switch {
	case no.Err == guardian.ErrLocked, tries >= 8, p.attacked && no.Err == guardian.ErrThrottled:
		if no.Err != guardian.ErrThrottled {
			p.lockedOut++
		}
		return p.recover(no.Err == guardian.ErrLocked)
	case no.Err == guardian.ErrThrottled:
		p.throttled++
	}
	wait := no.RetryAfter
	if p.w.Float64() < .3 {
		wait = 0
	}
	p.w.after(wait, func() error { p.visit(tries + 1); return nil })
	return nil
}

// recover uses a recovery code, and binds a locked app again with that proof.
func (p *person) recover(locked bool) error {
	v, no, err := p.w.verify(p.id, guardian.LocalRecovery, p.recovery[0], p.address())
	switch {
	case err != nil:
		return err
	case no != nil: // Not even that helps.
		p.shutOut++
		p.tomorrow()
		return nil
	}
	p.recovered++
	p.recovery[0] = v.NewRecoveryCode
	if locked {
		return p.bind(v)
	}
	p.tomorrow()
	return nil
}
