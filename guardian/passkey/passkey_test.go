package passkey_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/passkey"
	"github.com/auth0kit/auth0kit/internal/testing/authenticator"
)

const user = "auth0|1"

// stage is a relying party in a bubble.
type stage struct {
	*testing.T
	factors *guardian.Service
	rp      *passkey.RelyingParty
	log     *audit.Memory
	told    notices
	full    bool // The log takes nothing.
}

// Record is for audit.Recorder.
func (s *stage) Record(ctx context.Context, e audit.Event) error {
	if s.full {
		return errors.New("the log is full")
	}
	return s.log.Record(ctx, e)
}

type notices []guardian.Change

func (n *notices) Notify(_ context.Context, _ string, c guardian.Change) error {
	*n = append(*n, c)
	return nil
}

func onStage(t *testing.T, f func(s *stage)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, log: audit.NewMemory()}
		var err error
		s.factors, err = guardian.New(nil, guardian.Config{
			Store: guardian.NewMemory(), Keys: [][]byte{[]byte("an example of a key with 32 byte")}, Issuer: "Example", Recorder: s, Notifier: &s.told,
		})
		require.NoError(t, err)
		s.rp, err = passkey.New(s.factors, "example.com", []string{"https://app.example.com", "https://example.com"}, passkey.Config{Name: "Example"})
		require.NoError(t, err)
		f(s)
	})
}

func (s *stage) begin(proof *guardian.Verification) []byte {
	s.Helper()
	options, err := s.rp.BeginEnroll(s.Context(), user, "ada@example.com", proof)
	require.NoError(s, err)
	return options
}

// enroll gives the user a passkey.
func (s *stage) enroll(name string, proof *guardian.Verification) (d *authenticator.Device, codes []string) {
	s.Helper()
	d = authenticator.New(s)
	codes, err := s.rp.FinishEnroll(s.Context(), user, name, d.Create(s.begin(proof)))
	require.NoError(s, err)
	return d, codes
}

func (s *stage) ask() []byte {
	s.Helper()
	options, err := s.rp.BeginVerify(s.Context(), user)
	require.NoError(s, err)
	return options
}

func (s *stage) verify(d *authenticator.Device) (*guardian.Verification, error) {
	s.Helper()
	return s.rp.FinishVerify(s.Context(), user, d.Get(s.ask()))
}

func TestEnrollAndVerify(t *testing.T) {
	onStage(t, func(s *stage) {
		_, err := s.rp.BeginVerify(s.Context(), user)
		require.ErrorIs(s, err, guardian.ErrNotEnrolled)
		options := string(s.begin(nil))
		for _, part := range []string{`"attestation":"none"`, `"userVerification":"required"`, `"id":"example.com"`, `"name":"ada@example.com"`} {
			assert.Contains(s, options, part)
		}
		assert.NotContains(s, options, "auth0|1")
		phone, codes := s.enroll("Phone", nil)
		require.Len(s, codes, 10)

		_, err = s.rp.BeginEnroll(s.Context(), user, "ada", nil) // A second one needs a proof.
		require.ErrorIs(s, err, guardian.ErrStepUp)
		proof, err := s.verify(phone)
		require.NoError(s, err)
		assert.Equal(s, guardian.Passkey, proof.Factor)
		assert.Equal(s, []string{"mfa", "pop", "uv"}, proof.AMR)
		key, codes := s.enroll(" Security\tkey ", proof)
		require.Empty(s, codes)
		_, err = s.rp.FinishEnroll(s.Context(), user, "", key.Create(s.begin(proof)))
		require.Error(s, err, "the same credential again")

		time.Sleep(time.Hour)
		for _, d := range []*authenticator.Device{phone, key} {
			_, err = s.verify(d)
			require.NoError(s, err)
		}
		all, err := s.factors.Enrollments(s.Context(), user)
		require.NoError(s, err)
		require.Len(s, all, 3)
		assert.Equal(s, "Security key", all[1].Name)
		assert.Equal(s, time.Now().UTC(), all[1].LastUsed)

		require.NoError(s, s.factors.Rename(s.Context(), user, all[1].ID, "Old key"))
		require.NoError(s, s.factors.Remove(s.Context(), user, all[1].ID))
		_, err = s.verify(key)
		require.ErrorIs(s, err, guardian.ErrWrongCode)
		_, err = s.verify(phone)
		require.NoError(s, err)
		v, err := s.factors.Verify(s.Context(), guardian.Request{UserID: user, Factor: guardian.LocalRecovery, Code: firstCodes(s)})
		require.NoError(s, err)
		require.NoError(s, s.factors.Remove(s.Context(), user, all[0].ID)) // The last one takes the codes.
		_, err = s.factors.Verify(s.Context(), guardian.Request{UserID: user, Factor: guardian.LocalRecovery, Code: v.NewRecoveryCode})
		require.ErrorIs(s, err, guardian.ErrNotEnrolled)
		var actions []string
		for _, c := range s.told {
			actions = append(actions, c.Action+" "+c.Name)
		}
		assert.Equal(s, []string{"added Phone", "added Security key", "removed Old key", "recovery_codes ", "recovered ", "removed Phone"}, actions)
	})
}

// firstCodes makes new recovery codes and returns the first.
func firstCodes(s *stage) string {
	s.Helper()
	proof, err := guardian.Proven(proven{})
	require.NoError(s, err)
	codes, err := s.factors.RenewRecoveryCodes(s.Context(), user, proof)
	require.NoError(s, err)
	return codes[0]
}

type proven struct{}

func (proven) Subject() string                  { return user }
func (proven) AuthenticatedBy(string) time.Time { return time.Now() }

// What is not the answer of this user's authenticator, now, here, is refused, and
// nothing is enrolled by it.
func TestRefusals(t *testing.T) {
	onStage(t, func(s *stage) {
		for name, change := range map[string]func(d *authenticator.Device){
			"another site":    func(d *authenticator.Device) { d.Origin = "https://app.example.org" },
			"another party":   func(d *authenticator.Device) { d.RP = "example.org" },
			"nobody verified": func(d *authenticator.Device) { d.Flags = authenticator.Present },
			"nobody there":    func(d *authenticator.Device) { d.Flags = authenticator.Verified },
			"a frame":         func(d *authenticator.Device) { d.Frame = d.Origin },
			"another's frame": func(d *authenticator.Device) { d.Frame = "https://app.example.org" },
		} {
			d := authenticator.New(s)
			change(d)
			_, err := s.rp.FinishEnroll(s.Context(), user, "", d.Create(s.begin(nil)))
			assert.ErrorIs(s, err, guardian.ErrWrongCode, name)
		}
		all, err := s.factors.Enrollments(s.Context(), user)
		require.NoError(s, err)
		require.Empty(s, all)

		d, _ := s.enroll("", nil)
		good := *d
		for name, change := range map[string]func(d *authenticator.Device){
			"another site":    func(d *authenticator.Device) { d.Origin = "https://app.example.org" },
			"another party":   func(d *authenticator.Device) { d.RP = "example.org" },
			"nobody verified": func(d *authenticator.Device) { d.Flags = authenticator.Present },
			"a frame":         func(d *authenticator.Device) { d.Frame = d.Origin },
			"another's frame": func(d *authenticator.Device) { d.Frame = "https://app.example.org" },
			"another key":     func(d *authenticator.Device) { d.Key = authenticator.New(s).Key },
			"another id":      func(d *authenticator.Device) { d.ID = []byte("another credential") },
		} {
			bad := good
			change(&bad)
			v, err := s.verify(&bad)
			var no *guardian.VerifyError
			require.ErrorAs(s, err, &no, name)
			assert.ErrorIs(s, err, guardian.ErrWrongCode, name)
			assert.Nil(s, v, name)
			assert.Less(s, no.AttemptsLeft, 100, name)
			time.Sleep(time.Hour)
		}
		options := s.ask()
		_, err = s.rp.FinishEnroll(s.Context(), user, "", authenticator.New(s).Create(options))
		assert.ErrorIs(s, err, guardian.ErrExpired, "a challenge for a proof enrolls nothing")
		proof, err := s.verify(d)
		require.NoError(s, err)
		_, err = s.rp.FinishVerify(s.Context(), user, d.Get(s.begin(proof)))
		assert.ErrorIs(s, err, guardian.ErrExpired, "a challenge for an enrollment proves nothing")
		_, err = s.rp.FinishVerify(s.Context(), user, d.Create(options))
		assert.ErrorIs(s, err, guardian.ErrExpired, "the response to a creation")
		_, err = s.rp.FinishVerify(s.Context(), "auth0|2", d.Get(options))
		assert.ErrorIs(s, err, guardian.ErrExpired, "the challenge of another user")
		for _, garbage := range []string{"", "{}", "null", `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`} {
			_, err = s.rp.FinishVerify(s.Context(), user, []byte(garbage))
			assert.ErrorIs(s, err, guardian.ErrExpired)
		}
		time.Sleep(10 * time.Minute)
		_, err = s.rp.FinishVerify(s.Context(), user, d.Get(options))
		assert.ErrorIs(s, err, guardian.ErrExpired)
		_, err = s.factors.Verify(s.Context(), guardian.Request{UserID: user, Factor: guardian.Passkey, Code: "x"})
		assert.Error(s, err)
	})
}

// Who fails on purpose locks nobody's passkey, because an answer cannot be guessed.
func TestPasskeysCannotBeLocked(t *testing.T) {
	onStage(t, func(s *stage) {
		d, _ := s.enroll("", nil)
		bad := *d
		bad.Key = authenticator.New(s).Key
		for range 120 {
			_, err := s.verify(&bad)
			require.Error(s, err)
			time.Sleep(4 * time.Hour)
		}
		_, err := s.verify(&bad)
		require.ErrorIs(s, err, guardian.ErrLocked)
		response := d.Get(s.ask())
		_, err = s.rp.FinishVerify(s.Context(), user, response)
		require.NoError(s, err)
		_, err = s.rp.FinishVerify(s.Context(), user, response)
		require.ErrorIs(s, err, guardian.ErrReplayed)
	})
}

// One response is a proof once, whoever presents it how often.
func TestOneOf64(t *testing.T) {
	onStage(t, func(s *stage) {
		d, _ := s.enroll("", nil)
		response := d.Get(s.ask())
		var yes, replayed atomic.Int64
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				switch _, err := s.rp.FinishVerify(s.Context(), user, response); {
				case err == nil:
					yes.Add(1)
				case errors.Is(err, guardian.ErrReplayed), errors.Is(err, guardian.ErrThrottled):
					replayed.Add(1)
				}
			})
		}
		all.Wait()
		assert.Equal(s, [2]int64{1, 63}, [2]int64{yes.Load(), replayed.Load()})
	})
}

// A counter that goes back is told, and refuses nobody.
func TestClone(t *testing.T) {
	onStage(t, func(s *stage) {
		d, _ := s.enroll("Key", nil)
		clone := *d
		for range 3 {
			_, err := s.verify(d)
			require.NoError(s, err)
		}
		_, err := s.verify(&clone)
		require.NoError(s, err)
		all, err := s.factors.Enrollments(s.Context(), user)
		require.NoError(s, err)
		assert.True(s, all[0].Cloned)
		assert.Contains(s, s.log.Actions(), "guardian.clone")
		assert.Equal(s, "cloned", s.told[len(s.told)-1].Action)
	})
}

// An enrollment that began without a proof ends without one only while the user has
// no other factor.
func TestEnrollmentIsLateForTheFirst(t *testing.T) {
	onStage(t, func(s *stage) {
		options := s.begin(nil)
		key, err := s.factors.EnrollTOTP(s.Context(), user, "ada", nil)
		require.NoError(s, err)
		code, err := totp.GenerateCode(key.Secret(), time.Now())
		require.NoError(s, err)
		_, err = s.factors.ConfirmTOTP(s.Context(), user, code)
		require.NoError(s, err)
		_, err = s.rp.FinishEnroll(s.Context(), user, "", authenticator.New(s).Create(options))
		require.ErrorIs(s, err, guardian.ErrStepUp)
	})
}

// Of two enrollments that began without a proof and end at once, only the first is
// that of a first factor.
func TestTwoFirstPasskeys(t *testing.T) {
	onStage(t, func(s *stage) {
		var yes, no atomic.Int64
		var all sync.WaitGroup
		var responses [][]byte
		for range 8 {
			responses = append(responses, authenticator.New(s).Create(s.begin(nil)))
		}
		for _, response := range responses {
			all.Go(func() {
				switch _, err := s.rp.FinishEnroll(s.Context(), user, "", response); {
				case err == nil:
					yes.Add(1)
				case errors.Is(err, guardian.ErrStepUp):
					no.Add(1)
				}
			})
		}
		all.Wait()
		assert.Equal(s, [2]int64{1, 7}, [2]int64{yes.Load(), no.Load()})
	})
}

// Whoever asks for proofs again and again ends no enrollment that is under way.
func TestProofsEndNoEnrollment(t *testing.T) {
	onStage(t, func(s *stage) {
		d, _ := s.enroll("", nil)
		proof, err := s.verify(d)
		require.NoError(s, err)
		options, proofs := s.begin(proof), s.ask()
		for range 100 {
			s.ask()
		}
		_, err = s.rp.FinishVerify(s.Context(), user, d.Get(proofs))
		require.ErrorIs(s, err, guardian.ErrExpired)
		_, err = s.rp.FinishEnroll(s.Context(), user, "", authenticator.New(s).Create(options))
		require.NoError(s, err)
	})
}

// A warning that could not be recorded is given by the next proof.
func TestCloneIsRecordedLater(t *testing.T) {
	onStage(t, func(s *stage) {
		d, _ := s.enroll("Key", nil)
		clone := *d
		for range 3 {
			_, err := s.verify(d)
			require.NoError(s, err)
		}
		s.full = true
		_, err := s.verify(&clone)
		require.Error(s, err)
		require.NotContains(s, s.log.Actions(), "guardian.clone")
		s.full = false
		_, err = s.verify(&clone)
		require.NoError(s, err)
		require.Contains(s, s.log.Actions(), "guardian.clone")
		require.Equal(s, "cloned", s.told[len(s.told)-1].Action)
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	s, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{[]byte("an example of a key with 32 byte")}, Issuer: "Example"})
	require.NoError(t, err)
	for _, c := range []struct {
		id      string
		origins []string
		want    string
	}{
		{"", []string{"https://example.com"}, "id"}, {"https://example.com", []string{"https://example.com"}, "id"},
		{"example.com", nil, "origins"}, {"example.com", []string{"example.com"}, "not an origin"}, {"example.com", []string{"https://example.com/"}, "not an origin"},
		{"example.com", []string{"http://example.com"}, "https"}, {"example.com", []string{"https://badexample.com"}, "not a site"},
	} {
		_, err := passkey.New(s, c.id, c.origins, passkey.Config{})
		assert.ErrorContains(t, err, c.want)
	}
	_, err = passkey.New(nil, "example.com", []string{"https://example.com"}, passkey.Config{})
	assert.ErrorContains(t, err, "Service")
	_, err = passkey.New(s, "localhost", []string{"http://localhost:8080"}, passkey.Config{})
	assert.NoError(t, err)
}

func FuzzFinishVerify(f *testing.F) {
	s, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{[]byte("an example of a key with 32 byte")}, Issuer: "Example"})
	require.NoError(f, err)
	rp, err := passkey.New(s, "example.com", []string{"https://app.example.com"}, passkey.Config{})
	require.NoError(f, err)
	d := authenticator.New(f)
	options, err := rp.BeginEnroll(f.Context(), user, "ada", nil)
	require.NoError(f, err)
	_, err = rp.FinishEnroll(f.Context(), user, "", d.Create(options))
	require.NoError(f, err)
	f.Add(d.Get(options))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, response []byte) {
		if _, err := rp.FinishVerify(t.Context(), user, response); err == nil {
			t.Errorf("%q is a proof", response)
		}
	})
}

func ExampleNew() {
	factors, err := guardian.New(nil, guardian.Config{
		Store: guardian.NewMemory(), Keys: [][]byte{[]byte("an example of a key with 32 byte")}, Issuer: "Example",
	})
	if err != nil {
		log.Fatal(err)
	}
	rp, err := passkey.New(factors, "example.com", []string{"https://app.example.com"}, passkey.Config{Name: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	options, err := rp.BeginEnroll(context.Background(), "auth0|42", "ada@example.com", nil)
	fmt.Println(len(options) > 0, err) // for PublicKeyCredential.parseCreationOptionsFromJSON
	_, err = rp.BeginVerify(context.Background(), "auth0|42")
	fmt.Println(err)
	// Output:
	// true <nil>
	// guardian: not enrolled
}
