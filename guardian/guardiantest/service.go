package guardiantest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
)

// These tests run the Service on the store: what it promises holds with every
// store that keeps the contract.
var serviceTests = map[string]func(*testing.T, Harness){
	"one of 64 spends a TOTP code":     testOneTOTP,
	"one of 64 spends a recovery code": testOneRecoveryCode,
	"parallel guesses are all counted": testParallelGuesses,
	"one of many confirms":             testOneConfirms,
	"one of 64 answers a challenge":    testOneAnswer,
}

// presenters is how many present one code.
const presenters = 64

// clock is a time that a test moves.
type clock struct{ now atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.now.Store(start.UnixMilli())
	return c
}

func (c *clock) Now() time.Time          { return time.UnixMilli(c.now.Load()) }
func (c *clock) advance(d time.Duration) { c.now.Add(d.Milliseconds()) }

// services are two of them on the two handles of the harness.
func services(t *testing.T, h Harness, c *clock) [2]*guardian.Service {
	t.Helper()
	var out [2]*guardian.Service
	for i, store := range []driver.Store{h.Store, h.Again} {
		s, err := guardian.New(nil, guardian.Config{
			Store: store, Keys: [][]byte{[]byte("an example of a key with 32 byte")}, Issuer: "Example", Now: c.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		out[i] = s
	}
	return out
}

// enroll gives the user an app and returns its secret and the recovery codes.
func enroll(t *testing.T, s *guardian.Service, c *clock) (secret string, codes []string) {
	t.Helper()
	k, err := s.EnrollTOTP(t.Context(), user, "ada@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	codes, err = s.ConfirmTOTP(t.Context(), user, totp(t, k.Secret(), c.Now()))
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute) // The code of the confirmation is spent.
	return k.Secret(), codes
}

// totp is the code of RFC 6238 that an app would show.
func totp(t *testing.T, secret string, now time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, now.Unix()/30) // A hash takes everything.
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&0xf:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// present lets many present r at once, and counts what they get.
func present(t *testing.T, both [2]*guardian.Service, n int, r func(i int) guardian.Request) (yes int, noes map[error]int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	noes = make(map[error]int)
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			v, err := both[i%2].Verify(t.Context(), r(i))
			mu.Lock()
			defer mu.Unlock()
			e, isNo := errors.AsType[*guardian.VerifyError](err)
			switch {
			case err == nil && v != nil:
				yes++
			case isNo && v == nil:
				noes[e.Err]++
			default:
				t.Errorf("Verify = %v, %v", v, err)
			}
		})
	}
	close(begin)
	wg.Wait()
	return yes, noes
}

func testOneTOTP(t *testing.T, h Harness) {
	c := newClock()
	both := services(t, h, c)
	secret, _ := enroll(t, both[0], c)
	for range 3 {
		c.advance(time.Minute)
		code := totp(t, secret, c.Now())
		yes, noes := present(t, both, presenters, func(int) guardian.Request {
			return guardian.Request{UserID: user, Factor: guardian.LocalTOTP, Code: code}
		})
		if yes != 1 || noes[guardian.ErrWrongCode] != 0 || noes[guardian.ErrReplayed]+noes[guardian.ErrThrottled] != presenters-1 {
			t.Fatalf("%d of %d with one code succeeded, the others got %v", yes, presenters, noes)
		}
		c.advance(4 * time.Hour) // Whatever delay the losers have earned.
	}
}

func testOneRecoveryCode(t *testing.T, h Harness) {
	c := newClock()
	both := services(t, h, c)
	_, codes := enroll(t, both[0], c)
	yes, noes := present(t, both, presenters, func(int) guardian.Request {
		return guardian.Request{UserID: user, Factor: guardian.LocalRecovery, Code: codes[3]}
	})
	if yes != 1 {
		t.Fatalf("%d of %d with one recovery code succeeded, the others got %v", yes, presenters, noes)
	}
}

// testParallelGuesses: a burst of wrong codes is heard as often as a sequence.
func testParallelGuesses(t *testing.T, h Harness) {
	c := newClock()
	both := services(t, h, c)
	secret, _ := enroll(t, both[0], c)
	right := totp(t, secret, c.Now())
	yes, noes := present(t, both, presenters, func(i int) guardian.Request {
		return guardian.Request{UserID: user, Factor: guardian.LocalTOTP, Code: wrong(i, right, secret, c.Now(), t)}
	})
	if yes != 0 || noes[guardian.ErrWrongCode] != 5 || noes[guardian.ErrThrottled] != presenters-5 {
		t.Fatalf("%d right, %v; want 5 wrong and the others throttled", yes, noes)
	}
}

// wrong is a code that no step near now has.
func wrong(i int, right, secret string, now time.Time, t *testing.T) string {
	t.Helper()
	for {
		code := fmt.Sprintf("%06d", i)
		if code != right && code != totp(t, secret, now.Add(-30*time.Second)) && code != totp(t, secret, now.Add(30*time.Second)) {
			return code
		}
		i += 1000
	}
}

func testOneConfirms(t *testing.T, h Harness) {
	c := newClock()
	both := services(t, h, c)
	k, err := both[0].EnrollTOTP(t.Context(), user, "ada@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	code := totp(t, k.Secret(), c.Now())
	var confirmed, sets atomic.Int64
	var wg sync.WaitGroup
	for i := range presenters {
		wg.Go(func() {
			codes, err := both[i%2].ConfirmTOTP(t.Context(), user, code)
			if err == nil {
				confirmed.Add(1)
			}
			if len(codes) > 0 {
				sets.Add(1)
			}
		})
	}
	wg.Wait()
	if confirmed.Load() != 1 || sets.Load() != 1 {
		t.Fatalf("%d confirmed and %d got recovery codes, want 1 and 1", confirmed.Load(), sets.Load())
	}
}

// testOneAnswer: a challenge of a passkey is answered once.
func testOneAnswer(t *testing.T, h Harness) {
	c := newClock()
	both := services(t, h, c)
	var keys [2]*guardian.Ceremonies
	for i, s := range both {
		var err error
		if keys[i], err = s.Ceremonies(); err != nil {
			t.Fatal(err)
		}
	}
	challenge := func([]guardian.Credential) (string, []byte, error) { return "challenge", []byte("state"), nil }
	answer := func(state []byte, _ []guardian.Credential) (guardian.Credential, error) {
		if string(state) != "state" {
			t.Errorf("the state is %q", state)
		}
		return guardian.Credential{ID: []byte("key"), Data: []byte("data")}, nil
	}
	if err := keys[0].BeginEnroll(t.Context(), user, nil, challenge); err != nil {
		t.Fatal(err)
	}
	if _, err := keys[1].FinishEnroll(t.Context(), user, "", "challenge", answer); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	if err := keys[0].BeginVerify(t.Context(), user, challenge); err != nil {
		t.Fatal(err)
	}
	var yes atomic.Int64
	var wg sync.WaitGroup
	for i := range presenters {
		wg.Go(func() {
			_, err := keys[i%2].Verify(t.Context(), user, "challenge", answer)
			if _, isNo := errors.AsType[*guardian.VerifyError](err); err != nil && !isNo {
				t.Errorf("Verify = %v", err)
			}
			if err == nil {
				yes.Add(1)
			}
		})
	}
	wg.Wait()
	if yes.Load() != 1 {
		t.Fatalf("%d of %d answers were a proof", yes.Load(), presenters)
	}
}
