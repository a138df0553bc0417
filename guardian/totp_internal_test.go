package guardian

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
)

// RFC 6238 Appendix B: the seeds are as long as the hash.
func TestRFC6238(t *testing.T) {
	t.Parallel()
	seed := strings.Repeat("1234567890", 7)
	algorithms := []struct {
		name      string
		algorithm otp.Algorithm
		secret    []byte
	}{
		{"SHA1", otp.AlgorithmSHA1, []byte(seed[:20])},
		{"SHA256", otp.AlgorithmSHA256, []byte(seed[:32])},
		{"SHA512", otp.AlgorithmSHA512, []byte(seed[:64])},
	}
	vectors := []struct {
		unix  int64
		codes [3]string
	}{
		{59, [3]string{"94287082", "46119246", "90693936"}},
		{1111111109, [3]string{"07081804", "68084774", "25091201"}},
		{1111111111, [3]string{"14050471", "67062674", "99943326"}},
		{1234567890, [3]string{"89005924", "91819424", "93441116"}},
		{2000000000, [3]string{"69279037", "90698825", "38618901"}},
		{20000000000, [3]string{"65353130", "77737706", "47863826"}},
	}
	for i, a := range algorithms {
		s := scheme{period: 30, digits: otp.DigitsEight, algorithm: a.algorithm}
		for _, v := range vectors {
			step := s.step(time.Unix(v.unix, 0))
			got, err := s.code(a.secret, step)
			if err != nil || got != v.codes[i] {
				t.Errorf("%s at %d: %s, %v; want %s", a.name, v.unix, got, err, v.codes[i])
			}
			matched, err := s.match(a.secret, v.codes[i], []int64{step - 1, step, step + 1})
			if err != nil || len(matched) != 1 || matched[0] != step {
				t.Errorf("%s at %d: matches %v, %v", a.name, v.unix, matched, err)
			}
		}
	}
}

// RFC 4226 Appendix D.
func TestRFC4226(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for counter, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got, err := standard.code(secret, int64(counter)); err != nil || got != want {
			t.Errorf("counter %d: %s, %v; want %s", counter, got, err, want)
		}
	}
}

func TestShortSecretsAreRefused(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 10, 15} {
		secret := make([]byte, n)
		if code, err := standard.code(secret, 1); !errors.Is(err, errSecret) {
			t.Errorf("a secret of %d bytes makes the code %q, %v", n, code, err)
		}
		for _, steps := range [][]int64{{0, 1, 2}, nil} {
			if m, err := standard.match(secret, "000000", steps); m != nil || !errors.Is(err, errSecret) {
				t.Errorf("a secret of %d bytes matches %v: %v, %v", n, steps, m, err)
			}
		}
		if k, err := newKey("Example", "ada", secret); !errors.Is(err, errSecret) {
			t.Errorf("a secret of %d bytes makes the key %v, %v", n, k, err)
		}
		if err := (&seed{Secret: secret}).accept("000000", time.Unix(90, 0), 1); !errors.Is(err, errSecret) {
			t.Errorf("a seed of %d bytes accepts: %v", n, err)
		}
	}
	if _, err := standard.code(make([]byte, 20), -1); err == nil {
		t.Error("a step before 1970 has a code")
	}
}

func TestSecretsAreOf160Bits(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 100 {
		s := newSecret()
		if len(s) != 20 || seen[string(s)] {
			t.Fatalf("secret of %d bytes, seen before: %v", len(s), seen[string(s)])
		}
		seen[string(s)] = true
	}
}

func TestWellFormed(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"123456": true, "000000": true, "": false, "12345": false, "1234567": false, " 12345": false, "12345 ": false,
		"12345\n": false, "+12345": false, "1234५": false, "１２３４５６": false, "abcdef": false, "0x1234": false,
	} {
		if standard.wellFormed(code) != want {
			t.Errorf("wellFormed(%q) = %v", code, !want)
		}
	}
}

// collision finds two steps within a window that have one code: it happens once
// in some 100,000 steps.
func collision(t *testing.T, secret []byte) (first, second int64, code string) {
	t.Helper()
	last, codes := int64(2), [3]string{}
	for step := int64(0); step < 3_000_000; step++ {
		c, err := standard.code(secret, step)
		if err != nil {
			t.Fatal(err)
		}
		for back := int64(1); back <= last && back <= step; back++ {
			if codes[(step-back)%3] == c {
				return step - back, step, c
			}
		}
		codes[step%3] = c
	}
	t.Fatal("no collision found")
	return 0, 0, ""
}

// When two steps of the window have one code, spending it spends both.
func TestCodeOfTwoStepsIsSpentOnce(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	first, second, code := collision(t, secret)
	s := &seed{Secret: secret}
	now := time.Unix((first+1)*30, 0) // both are within a step
	if err := s.accept(code, now, 1); err != nil {
		t.Fatalf("accept = %v", err)
	}
	if !slices.Equal(s.Spent, []int64{first, second}) {
		t.Errorf("spent the steps %d, want %d and %d", s.Spent, first, second)
	}
	for range 4 {
		if err := s.accept(code, now, 1); err != ErrReplayed && err != ErrWrongCode {
			t.Fatalf("the code was accepted again: %v", err)
		}
		now = now.Add(30 * time.Second)
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	at := int64(1000)
	now := time.Unix(at*30+7, 0)
	for offset := int64(-3); offset <= 3; offset++ {
		code, err := standard.code(secret, at+offset)
		if err != nil {
			t.Fatal(err)
		}
		for window := range int64(2) {
			err := (&seed{Secret: secret}).accept(code, now, window)
			if inside := max(offset, -offset) <= window; (err == nil) != inside {
				t.Errorf("offset %d, window %d: %v", offset, window, err)
			}
		}
	}
}

// An app whose clock runs away is followed, step by step, to the limit.
func TestDriftIsLearntWithinBounds(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	for _, direction := range []int64{1, -1} {
		s := &seed{Secret: secret}
		at, accepted := int64(1000), int64(0)
		for drift := int64(1); drift <= 10; drift++ {
			for range driftLogins {
				at += 100
				code, err := standard.code(secret, at+direction*drift)
				if err != nil {
					t.Fatal(err)
				}
				if s.accept(code, time.Unix(at*30, 0), 1) == nil {
					accepted = drift
				}
			}
		}
		// The last is beyond what is learnt, but within the window around it.
		if accepted != driftLimit+1 {
			t.Errorf("direction %d: followed for %d steps", direction, accepted)
		}
	}
	jump := &seed{Secret: secret}
	code, err := standard.code(secret, 1002)
	if err != nil {
		t.Fatal(err)
	}
	if err := jump.accept(code, time.Unix(1000*30, 0), 1); err != ErrWrongCode {
		t.Errorf("a clock that jumps two steps is followed: %v", err)
	}
}

func TestReplaysAreRefused(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	s := &seed{Secret: secret}
	now := time.Unix(1000*30, 0)
	for _, step := range []int64{1000, 999, 1001} {
		code, err := standard.code(secret, step)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.accept(code, now, 1); err != nil {
			t.Errorf("step %d: %v", step, err)
		}
		if err := s.accept(code, now, 1); err != ErrReplayed {
			t.Errorf("step %d again: %v", step, err)
		}
	}
	if len(s.Spent) > 3 || len(s.Seen) > driftLogins {
		t.Errorf("%d steps, %d logins are kept", len(s.Spent), len(s.Seen))
	}
}

func TestDelays(t *testing.T) {
	t.Parallel()
	var got []string
	for failures := range 15 {
		got = append(got, delay(failures, 1).String())
	}
	want := "[0s 0s 0s 0s 0s 30s 1m0s 2m0s 4m0s 8m0s 16m0s 32m0s 2h8m0s 4h0m0s 4h0m0s]"
	if fmt.Sprint(got) != want {
		t.Errorf("delays %v, want %s", got, want)
	}
	if delay(1_000_000, 1) != 4*time.Hour || delay(1_000_000, 2) != 8*time.Hour {
		t.Error("the delay overflows")
	}
}

func FuzzMatch(f *testing.F) {
	for _, code := range []string{"755224", "", "000000", "75522４", " 755224", "7552244", "\x00\x00\x00\x00\x00\x00"} {
		f.Add(code, int64(0), []byte("12345678901234567890"))
	}
	f.Add("000000", int64(-5), []byte{})
	f.Fuzz(func(t *testing.T, code string, step int64, secret []byte) {
		step = step % (1 << 40)
		matched, err := standard.match(secret, code, []int64{step - 1, step, step + 1})
		if len(secret) < minSecret && err == nil {
			t.Fatal("a short secret was used")
		}
		for _, got := range matched {
			if want, err := standard.code(secret, got); err != nil || want != code || got < step-1 || got > step+1 {
				t.Fatalf("match = %d, whose code is %s, %v", got, want, err)
			}
		}
	})
}

func FuzzCleanCode(f *testing.F) {
	shown := newCode()
	for _, code := range []string{shown, strings.ToLower(shown), strings.ReplaceAll(shown, "-", " "), "", "-", "AAAAA", strings.Repeat("A", 16), strings.Repeat("=", 16), "ÄÖ", "ＡＡＡＡ–BBBB\u2011CCCC\u00a0DDDD"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code := cleanCode(typed)
		if code == "" {
			return
		}
		if len(code) != recoverySize || cleanCode(code) != code {
			t.Errorf("cleanCode(%q) = %q", typed, code)
		}
	})
}

func FuzzSubject(f *testing.F) {
	for _, token := range []string{"", "a.b.c", "..", "x.eyJzdWIiOiJhdXRoMHwxIn0.y", "x.eyJzdWIiOjF9.y", "x.e30.y", "x.bnVsbA.y"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if sub := subject(token); sub != "" && strings.Count(token, ".") != 2 {
			t.Errorf("subject(%q) = %q", token, sub)
		}
	})
}

func FuzzLocalPath(f *testing.F) {
	for _, to := range []string{"/", "/a?b=c#d", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "", "a", "/%2f/evil.example"} {
		f.Add(to)
	}
	f.Fuzz(func(t *testing.T, to string) {
		if !isLocalPath(to) {
			return
		}
		if to[0] != '/' || len(to) > 1 && (to[1] == '/' || to[1] == '\\') {
			t.Errorf("%q leads away", to)
		}
	})
}
