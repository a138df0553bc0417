package guardian_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
)

// handset is an app whose clock is ahead by that much.
type handset struct {
	*testing.T
	s      *guardian.Service
	user   string
	secret string
	ahead  time.Duration
}

// scan gives a new phone to a user, who types the first code that much too late.
func scan(t *testing.T, s *guardian.Service, user string, ahead, late time.Duration) *handset {
	t.Helper()
	time.Sleep(30*time.Second - time.Duration(time.Now().UnixNano()%int64(30*time.Second)))
	key, err := s.EnrollTOTP(t.Context(), user, "ada@example.com", nil)
	require.NoError(t, err)
	p := &handset{t, s, user, key.Secret(), ahead}
	code := p.shows()
	time.Sleep(late)
	_, err = s.ConfirmTOTP(t.Context(), user, code)
	require.NoError(t, err)
	return p
}

func (p *handset) shows() string {
	p.Helper()
	return codeAt(p.T, p.secret, time.Now().Add(p.ahead))
}

// login reads a code and types it that much later.
func (p *handset) login(late time.Duration) error {
	p.Helper()
	code := p.shows()
	time.Sleep(late)
	_, err := p.s.Verify(p.Context(), guardian.Request{UserID: p.user, Factor: guardian.LocalTOTP, Code: code})
	return err
}

// Who types their first code slowly is not locked out by it.
func TestSlowConfirmation(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, late := range []time.Duration{0, 20, 40, 65, 95, 125, 140} {
			p := scan(t, localService(t, guardian.NewMemory()), "auth0|1", 0, late*time.Second)
			for i := range 4 {
				time.Sleep(3*time.Hour + 7*time.Second)
				assert.NoError(t, p.login(3*time.Second), "late by %d s, login %d", late, i)
			}
		}
	})
}

// A phone whose clock is corrected, or put wrong and corrected, goes on working.
func TestCorrectedPhone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, ahead := range []time.Duration{-110, -70, -45, 45, 70, 110} {
			for _, logins := range []int{0, 1, 12} {
				p := scan(t, localService(t, guardian.NewMemory()), "auth0|1", ahead*time.Second, 0)
				for i := range logins {
					time.Sleep(24*time.Hour + 11*time.Second)
					require.NoError(t, p.login(0), "%d s ahead, login %d", ahead, i)
				}
				p.ahead = 0
				for i := range 12 {
					time.Sleep(24*time.Hour + 11*time.Second)
					require.NoError(t, p.login(4*time.Second), "corrected from %d s, login %d", ahead, i)
				}
			}
		}
	})
}

// A phone that loses or gains a third of a second a day is followed to two minutes.
func TestDriftingPhone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, daily := range []time.Duration{-300 * time.Millisecond, 300 * time.Millisecond} {
			p := scan(t, localService(t, guardian.NewMemory()), "auth0|1", 0, 0)
			for day := range 380 {
				time.Sleep(24*time.Hour + 11*time.Second)
				p.ahead += daily
				require.NoError(t, p.login(0), "day %d, %s ahead", day, p.ahead)
			}
		}
	})
}

// Late codes teach nothing: a code of more than one step ago is refused, however
// the codes before it were typed.
func TestTheWindowDoesNotFollowTheTypist(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for phase := 0; phase < 30; phase += 3 {
			p := scan(t, localService(t, guardian.NewMemory()), "auth0|1", 0, 0)
			time.Sleep(time.Hour - time.Duration(time.Now().Unix()%30)*time.Second + time.Duration(phase)*time.Second)
			require.NoError(t, p.login(30*time.Second))
			time.Sleep(time.Hour)
			assert.ErrorIs(t, p.login(60*time.Second), guardian.ErrWrongCode, "phase %d", phase)
			time.Sleep(time.Hour)
			assert.ErrorIs(t, p.login(90*time.Second), guardian.ErrWrongCode, "phase %d", phase)
			time.Sleep(time.Hour)
			assert.NoError(t, p.login(0))
		}
		// A slow typist is not a phone that is behind.
		p := scan(t, localService(t, guardian.NewMemory()), "auth0|2", 0, 0)
		for i := range 400 {
			time.Sleep(time.Hour + 7*time.Second)
			late := []time.Duration{8, 25, 12, 30, 18, 6, 22, 9}[i%8] * time.Second
			require.NoError(t, p.login(late))
			if i%40 == 17 {
				time.Sleep(time.Hour)
				require.ErrorIs(t, p.login(61*time.Second), guardian.ErrWrongCode)
			}
		}
	})
}

// A code of now that nobody has used is not refused because the next one was.
func TestUnusedCodeIsNoReplay(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := scan(t, localService(t, guardian.NewMemory()), "auth0|1", 0, 0)
		time.Sleep(time.Hour)
		now := p.shows()
		p.ahead = 30 * time.Second
		require.NoError(t, p.login(0))
		p.ahead = 0
		require.Equal(t, now, p.shows())
		assert.NoError(t, p.login(0))
		assert.ErrorIs(t, p.login(0), guardian.ErrReplayed)
		p.ahead = 30 * time.Second
		assert.ErrorIs(t, p.login(0), guardian.ErrReplayed)
	})
}

// Of two servers whose clocks are two minutes apart, neither takes a code that the other
// has taken.
func TestServersWithClocksApart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		store, keys := guardian.NewMemory(), [][]byte{newKey()}
		server := func(ahead time.Duration) *guardian.Service {
			s, err := guardian.New(nil, guardian.Config{Store: store, Keys: keys, Issuer: "Example", Now: func() time.Time { return time.Now().Add(ahead) }})
			require.NoError(t, err)
			return s
		}
		fast, right := server(2*time.Minute), server(0)
		p := scan(t, fast, "auth0|1", 0, 0)
		for range 3 {
			time.Sleep(time.Hour)
			require.NoError(t, p.login(0))
		}
		time.Sleep(time.Hour)
		var seen []string
		for range 8 {
			seen = append(seen, p.shows())
			require.NoError(t, p.login(0))
			code := seen[max(0, len(seen)-4)]
			_, err := right.Verify(t.Context(), guardian.Request{UserID: p.user, Factor: guardian.LocalTOTP, Code: code})
			require.Error(t, err)
			time.Sleep(time.Minute)
		}
	})
}

// While two windows are open a guess is worth twice as much, and counts twice.
func TestTwoWindowsCostTwice(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := scan(t, localService(t, guardian.NewMemory()), "auth0|1", 100*time.Second, 0)
		for range 3 {
			time.Sleep(time.Hour)
			require.NoError(t, p.login(0))
		}
		guess := func() *guardian.VerifyError {
			_, err := p.s.Verify(t.Context(), guardian.Request{UserID: p.user, Factor: guardian.LocalTOTP, Code: wrongCode(t, p.secret)})
			var no *guardian.VerifyError
			require.ErrorAs(t, err, &no)
			require.ErrorIs(t, err, guardian.ErrWrongCode)
			return no
		}
		time.Sleep(time.Hour)
		assert.Equal(t, 49, guess().AttemptsLeft)
		assert.Zero(t, guess().RetryAfter)
		assert.Equal(t, 2*time.Minute, guess().RetryAfter)
		guesses := 3
		for ; ; guesses++ {
			time.Sleep(8 * time.Hour)
			if guess().AttemptsLeft == 0 {
				break
			}
		}
		assert.Equal(t, 49, guesses)
	})
}

// Thirty people behind one address mistype one code in forty, for four months.
func TestOfficeOfHonestPeople(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, office := localService(t, guardian.NewMemory()), netip.MustParseAddr("192.0.2.1")
		var people []*handset
		for i := range 30 {
			people = append(people, scan(t, s, fmt.Sprintf("auth0|%d", i), 0, 0))
		}
		n := 0
		for range 70 {
			time.Sleep(24 * time.Hour)
			for _, p := range people {
				time.Sleep(40 * time.Second)
				r := guardian.Request{UserID: p.user, Factor: guardian.LocalTOTP, IP: office}
				if n++; n%40 == 0 {
					r.Code = wrongCode(t, p.secret)
					_, err := s.Verify(t.Context(), r)
					require.ErrorIs(t, err, guardian.ErrWrongCode)
				}
				r.Code = p.shows()
				_, err := s.Verify(t.Context(), r)
				require.NoError(t, err, "attempt %d", n)
			}
		}
	})
}

// Who guesses at an account from one network is heard 24 times, then once after each
// login of the owner, who waits nowhere else. A right code of an account without a
// failure is taken from there too, and so is everything of others.
func TestAddressSlowsGuesses(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := localService(t, guardian.NewMemory())
		attempt := func(p *handset, code, ip string) *guardian.VerifyError {
			_, err := s.Verify(t.Context(), guardian.Request{UserID: p.user, Factor: guardian.LocalTOTP, Code: code, IP: netip.MustParseAddr(ip)})
			no, is := errors.AsType[*guardian.VerifyError](err)
			require.True(t, is || err == nil, "%v", err)
			return no
		}
		owner, neighbor := scan(t, s, "auth0|1", 0, 0), scan(t, s, "auth0|2", 0, 0)
		guess := func(p *handset, ip string) *guardian.VerifyError { return attempt(p, wrongCode(t, p.secret), ip) }
		time.Sleep(time.Minute)
		for range 6 {
			for range 4 {
				require.ErrorIs(t, guess(owner, "2001:db8::1"), guardian.ErrWrongCode)
			}
			require.Nil(t, attempt(owner, owner.shows(), "198.51.100.7"), "the owner, at home")
			time.Sleep(time.Minute)
		}
		for range 30 { // A month: it is the owner's logins that give guesses, and one more leaks.
			require.ErrorIs(t, guess(owner, "2001:db8::1"), guardian.ErrWrongCode)
			no := guess(owner, "2001:db8::ffff:1")
			require.ErrorIs(t, no, guardian.ErrThrottled, "the same network")
			require.Equal(t, 99, no.AttemptsLeft, "nothing is counted")
			require.Greater(t, no.RetryAfter, 14*24*time.Hour)
			require.Nil(t, attempt(owner, owner.shows(), "198.51.100.7"))
			require.Nil(t, attempt(neighbor, neighbor.shows(), "2001:db8::2"), "an honest neighbor")
			time.Sleep(24 * time.Hour)
		}
		require.Nil(t, attempt(owner, owner.shows(), "2001:db8::3"), "the owner, there, without a failure")
		for range 3 {
			require.ErrorIs(t, guess(neighbor, "2001:db8::2"), guardian.ErrWrongCode, "one who mistypes")
		}
		require.Nil(t, attempt(neighbor, neighbor.shows(), "2001:db8::2"))
		require.ErrorIs(t, guess(owner, "2001:db8::1"), guardian.ErrWrongCode)
		require.ErrorIs(t, guess(owner, "2001:db8::1"), guardian.ErrThrottled)
		assert.ErrorIs(t, guess(owner, "2001:db8:0:1::1"), guardian.ErrWrongCode, "the next network")
		assert.ErrorIs(t, guess(owner, "::ffff:192.0.2.1"), guardian.ErrWrongCode, "an IPv4 address")
		time.Sleep(15 * 24 * time.Hour)
		assert.ErrorIs(t, guess(owner, "2001:db8::1"), guardian.ErrWrongCode, "two weeks later")
		assert.ErrorIs(t, guess(owner, "2001:db8::1"), guardian.ErrThrottled)
		_, err := s.Verify(t.Context(), guardian.Request{UserID: owner.user, Factor: guardian.LocalTOTP, Code: owner.shows()})
		assert.NoError(t, err, "from nowhere")
	})
}

// Guesses from very many networks forget no network that is full, and the record goes
// when the last has leaked.
func TestNetworksAreForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		store := guardian.NewMemory()
		s := localService(t, store)
		p := scan(t, s, "auth0|1", 0, 0)
		verify := func(code string, ip netip.Addr) error {
			_, err := s.Verify(t.Context(), guardian.Request{UserID: p.user, Factor: guardian.LocalTOTP, Code: code, IP: ip})
			return err
		}
		full := netip.MustParseAddr("192.0.2.1")
		for i := range 100 {
			time.Sleep(time.Minute)
			if i%4 == 0 {
				require.NoError(t, verify(p.shows(), netip.Addr{}))
			}
			ip := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
			if i < 24 {
				ip = full
			}
			require.ErrorIs(t, verify(wrongCode(t, p.secret), ip), guardian.ErrWrongCode)
		}
		require.ErrorIs(t, verify(wrongCode(t, p.secret), full), guardian.ErrThrottled)
		require.NoError(t, verify(p.shows(), netip.Addr{}))
		n, err := store.Sweep(t.Context(), time.Now().Add(300*24*time.Hour))
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = store.Sweep(t.Context(), time.Now().Add(24*14*24*time.Hour))
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}
