package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions/sqlactions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/session"
)

// keeper is a pattern that keeps something about users.
type keeper struct {
	use    func(ctx context.Context, userID string) error
	forget func(ctx context.Context, userID string) error
	export func(ctx context.Context, userID string, w io.Writer) error
}

// text is what is exported about a user, with the id left out.
func (k keeper) text(t *testing.T, userID string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, k.export(t.Context(), userID, &out), "%q", userID)
	var lines []string
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, `"audit.export"`) { // that somebody was told is an event of its own
			lines = append(lines, strings.Trim(line, "[,]\n"))
		}
	}
	return strings.ReplaceAll(strings.TrimSpace(strings.Join(lines, "\n")), strings.TrimPrefix(userID, "auth0|"), "")
}

func keepers(t *testing.T, k keeping) map[string]keeper {
	t.Helper()
	all := map[string]keeper{}
	sessions, err := session.New(k.sessions, session.Config{Keys: [][]byte{sealKey}})
	require.NoError(t, err)
	all["session"] = keeper{func(ctx context.Context, id string) error {
		_, _, err := sessions.Create(ctx, session.Login{UserID: id, SID: subjectSID, AuthTime: time.Now()})
		return err
	}, sessions.Forget, sessions.Export}
	factors, err := guardian.New(nil, guardian.Config{Store: k.factors, Keys: [][]byte{sealKey}, Issuer: "Example"})
	require.NoError(t, err)
	all["guardian"] = keeper{func(ctx context.Context, id string) error {
		key, err := factors.EnrollTOTP(ctx, id, "someone", nil)
		if err != nil {
			return err
		}
		code, err := totp.GenerateCode(key.Secret(), time.Now())
		if err != nil {
			return err
		}
		_, err = factors.ConfirmTOTP(ctx, id, code)
		return err
	}, factors.Forget, factors.Export}
	detector, err := anomaly.New(k.profiles, [][]byte{sealKey}, anomaly.Config{})
	require.NoError(t, err)
	engine, err := risk.New(detector, risk.Config{Decisions: k.waiting, Counters: k.counters, Keys: [][]byte{sealKey}, OnFirst: risk.MFARequired})
	require.NoError(t, err)
	all["risk"] = keeper{func(ctx context.Context, id string) error {
		d, err := engine.Evaluate(ctx, risk.Login{Attempt: anomaly.Attempt{UserID: id, Time: time.Now(), IP: netip.MustParseAddr(subjectIP), DeviceID: subjectDevice, UserAgent: "Firefox/140.0"}})
		if err != nil {
			return err
		}
		if err := engine.Apply(ctx, d); !errors.Is(err, risk.ErrChallenged) && !errors.Is(err, risk.ErrDenied) {
			return fmt.Errorf("a first login is not challenged: %w", err)
		}
		return nil
	}, engine.Forget, engine.Export}
	if history, ok := k.history.(*sqlactions.Store); ok {
		var n atomic.Int64
		all["actions"] = keeper{func(ctx context.Context, id string) error {
			return history.Keep(ctx, recorded(int(n.Add(1)), id, time.Now()))
		}, history.Forget, history.Export}
	}
	if k.log != nil {
		key, _, err := auditlog.GenerateKey("example.com/others")
		require.NoError(t, err)
		seal, err := auditlog.ParseSeal(key, sealKey)
		require.NoError(t, err)
		log, err := auditlog.New(k.log, seal, auditlog.Config{})
		require.NoError(t, err)
		all["auditlog"] = keeper{func(ctx context.Context, id string) error {
			return audit.Record(ctx, log, audit.Event{Type: "login", Action: "login.accept", Outcome: audit.Success, Actor: audit.Ref{Kind: "user", ID: id}})
		}, log.Forget, log.Export}
	}
	return all
}

// TestErasureOfOthers: whoever is erased, with an id that a pattern, a collation or a
// separator could take for others', the others keep what is theirs, and who comes back
// begins anew: they find what is new about them, and nothing else.
func TestErasureOfOthers(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) keeping{"memory": keptInMemory, "Redis": keptInRedis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testErasureOfOthers(t, open(t))
		})
	}
	onEach(t, func(t *testing.T, p product) { testErasureOfOthers(t, keptInSQL(t, p)) })
}

func testErasureOfOthers(t *testing.T, k keeping) {
	ids := []string{"auth0|xyz", "auth0|XYZ", "auth0|xyz ", "auth0|x%z", "auth0|x_z", "auth0|x*", "auth0|x?z", "auth0|[x]yz", `auth0|x\yz`, "auth0|xyz:1",
		"auth0|xyz|1", "auth0|'xyz", `auth0|"xyz`, "auth0|éyz", "auth0|e\u0301yz", "auth0|{xyz}", strings.Repeat("z", 200) + "xyz", strings.Repeat("z", 200) + "xyy"}
	for name, keeper := range keepers(t, k) {
		ctx := t.Context()
		nobody := keeper.text(t, "auth0|never seen")
		kept := map[string]string{}
		for _, id := range ids {
			require.NoError(t, keeper.use(ctx, id), "%s %q", name, id)
		}
		for _, id := range ids {
			kept[id] = keeper.text(t, id)
			require.NotEqual(t, nobody, kept[id], "%s %q", name, id)
		}
		for i, id := range ids {
			ended, stop := context.WithCancel(ctx) // a process that ends
			stop()
			_ = keeper.forget(ended, id)
			require.NoError(t, keeper.forget(ctx, id), "%s %q", name, id)
			assert.Equal(t, nobody, keeper.text(t, id), "%s %q", name, id)
			for _, other := range ids[i+1:] {
				assert.Equal(t, kept[other], keeper.text(t, other), "%s: %q was erased, not %q", name, id, other)
			}
		}
		require.NoError(t, keeper.use(ctx, ids[0]), "%s: who comes back", name)
		if name == "auditlog" { // which shows them under a pseudonym from then on
			assert.Equal(t, nobody, keeper.text(t, ids[0]))
			continue
		}
		assert.NotEqual(t, nobody, keeper.text(t, ids[0]), name)
		assert.Equal(t, strings.Count(kept[ids[0]], "\n"), strings.Count(keeper.text(t, ids[0]), "\n"), "%s: what is new alone", name)
	}
}

// TestErasureWhileActive: whoever is erased while they sign in leaves nothing behind that
// the next Forget does not find.
func TestErasureWhileActive(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) keeping{"memory": keptInMemory, "Redis": keptInRedis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testErasureWhileActive(t, open(t))
		})
	}
	onEach(t, func(t *testing.T, p product) { testErasureWhileActive(t, keptInSQL(t, p)) })
}

func testErasureWhileActive(t *testing.T, k keeping) {
	for name, keeper := range keepers(t, k) {
		nobody := keeper.text(t, "auth0|never seen")
		var active sync.WaitGroup
		for range 4 {
			active.Go(func() {
				for range 15 {
					_ = keeper.use(t.Context(), subjectID) // who is erased at that moment may be refused
				}
			})
		}
		active.Go(func() {
			for range 10 {
				assert.NoError(t, keeper.forget(t.Context(), subjectID), name)
			}
		})
		active.Wait()
		require.NoError(t, keeper.forget(t.Context(), subjectID), name)
		assert.Equal(t, nobody, keeper.text(t, subjectID), name)
	}
	assert.NotContains(t, found(k.dump(t)), subjectKey)
}
