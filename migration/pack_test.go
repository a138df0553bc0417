package migration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/migration/passhash"
	"pgregory.net/rapid"
)

var (
	packRun = Run{Name: "run", Source: "test", Connection: "legacy"}
	digests = newDigester(bytes.Repeat([]byte("k"), 32))
)

func bytesOf(n int64) *atomic.Int64 {
	limit := new(atomic.Int64)
	limit.Store(n)
	return limit
}

// parse returns the keys of a file, which must be a JSON array of users.
func parse(t interface{ Fatalf(string, ...any) }, f *file) []string {
	var list []struct {
		UserID string `json:"user_id"`
	}
	if err := json.Unmarshal(f.body, &list); err != nil {
		t.Fatalf("not a JSON array: %v", err)
	}
	keys := make([]string, len(list))
	for i := range list {
		keys[i] = list[i].UserID
	}
	return keys
}

func sized(key string, size int) []byte {
	return fmt.Appendf(nil, `{"user_id":%q,"pad":%q}`, key, strings.Repeat("x", size))
}

// Whatever the sizes, files are JSON below the limit and have every user once,
// in order; and so have the parts of a file.
func TestPackerLosesNobody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const limit = 500
		sizes := rapid.SliceOfN(rapid.IntRange(0, 460), 1, 60).Draw(t, "sizes")
		p := packer{limit: bytesOf(limit)}
		var files []*file
		for i, size := range sizes {
			key := fmt.Sprint(i)
			if full := p.add(entry{key: key}, sized(key, size)); full != nil {
				files = append(files, full)
			}
		}
		files = append(files, p.flush())
		next := 0
		for _, f := range files {
			if len(f.body) > limit {
				t.Fatalf("a file has %d bytes", len(f.body))
			}
			for i, key := range parse(t, f) {
				if key != fmt.Sprint(next) || f.entries[i].key != key {
					t.Fatalf("user %q where %d is due", key, next)
				}
				next++
			}
			parts(t, f)
		}
		if next != len(sizes) {
			t.Fatalf("%d of %d users are in files", next, len(sizes))
		}
		if p.flush() != nil {
			t.Fatalf("an empty packer has a file")
		}
	})
}

func parts(t *rapid.T, f *file) {
	if len(f.entries) == 1 {
		return
	}
	halves := f.halves()
	all := append(parse(t, halves[0]), parse(t, halves[1])...)
	if got, want := fmt.Sprint(all), fmt.Sprint(f.keys()); got != want {
		t.Fatalf("halves have %s; want %s", got, want)
	}
	if len(halves[0].entries) == 0 || len(halves[1].entries) == 0 {
		t.Fatalf("a half is empty")
	}
}

func TestKeyOfEmail(t *testing.T) {
	t.Parallel()
	p := packer{limit: bytesOf(maxFile)}
	p.add(entry{key: "a"}, []byte(`{"email":"ada@example.com"}`))
	p.add(entry{key: "b"}, []byte(`{"email":"bob@example.com"}`))
	f := p.flush()
	if got := f.keyOfEmail("BOB@example.com"); got != "b" {
		t.Errorf("found %q; want b", got)
	}
	if got := f.keyOfEmail("eve@example.com"); got != "" {
		t.Errorf("found %q; want nobody", got)
	}
}

// synthetic is a user as many legacy systems have them.
func synthetic(n int) Record {
	return Record{
		Key: fmt.Sprintf("%d", n), Email: fmt.Sprintf("user%d@example.com", n), EmailVerified: true, Name: fmt.Sprintf("User %d", n),
		Password:    passhash.Stored{Value: "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"},
		AppMetadata: map[string]any{"plan": "gold", "legacy_id": n}, UserMetadata: map[string]any{"lang": "en"},
	}
}

// Memory does not grow with the number of users, but for the identifiers.
func TestPackingIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("packs 200,000 users")
	}
	const n = 200_000
	c, p := newClassifier(packRun, ResetNone, nil), packer{limit: bytesOf(maxFile)}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, files, most := heap(), 0, int64(0)
	for i := range n {
		r := synthetic(i)
		v := c.classify(&r)
		if !v.importable(ResetNone) {
			t.Fatalf("user %d: %s %v", i, v.class, v.problem)
		}
		if full := p.add(entry{key: r.Key, digest: digests.digest(profileOf(&r))}, v.json); full != nil {
			files++
		}
		if i%50_000 == 49_999 {
			most = max(most, heap()-before)
		}
	}
	if files < 100 {
		t.Errorf("%d files", files)
	}
	if limit := int64(n*40 + 4<<20); most > limit { // 20 bytes for an identifier, twice while its table grows
		t.Errorf("%d users took %d KiB; want at most %d", n, most>>10, limit>>10)
	}
	runtime.KeepAlive(c)
}

// BenchmarkPack is what one core makes of users that come from the source:
// validation, conversion of the hash, duplicates, JSON, digest and files.
func BenchmarkPack(b *testing.B) {
	c, p := newClassifier(packRun, ResetNone, nil), packer{limit: bytesOf(maxFile)}
	users := 0
	b.ReportAllocs()
	for b.Loop() {
		r := synthetic(users)
		v := c.classify(&r)
		p.add(entry{key: r.Key, digest: digests.digest(profileOf(&r))}, v.json)
		users++
	}
	b.ReportMetric(float64(users)/b.Elapsed().Seconds(), "users/s")
}

func TestEncodingIsMinifiedAndPlain(t *testing.T) {
	t.Parallel()
	r := Record{
		Key: "k<1>", Email: "ada@example.com", Phone: "+491", Username: "ada", Blocked: true,
		TOTPSecrets: []string{"JBSWY3DPEHPK3PXP"}, MFAPhones: []string{"+492"}, MFAEmails: []string{"f@b.co"}, UserMetadata: map[string]any{"a": "<&>"},
	}
	raw, err := newEncoder(packRun, ViaBulk).encode(&r, passhash.Import{Field: "custom_password_hash", JSON: json.RawMessage(`{"algorithm":"md5"}`)})
	require.NoError(t, err)
	want := `{"user_id":"k<1>","email":"ada@example.com","email_verified":false,"username":"ada","phone_number":"+491",` +
		`"blocked":true,"custom_password_hash":{"algorithm":"md5"},"app_metadata":{"auth0kit":{"run":"run","source":"test","via":"bulk"}},` +
		`"user_metadata":{"a":"<&>"},"mfa_factors":[{"totp":{"secret":"JBSWY3DPEHPK3PXP"}},{"phone":{"value":"+492"}},{"email":{"value":"f@b.co"}}]}`
	if !bytes.Equal(raw, []byte(want)) {
		t.Errorf("encoded\n%s; want\n%s", raw, want)
	}
}

// A digest survives the journey to Auth0 and back.
func TestDigest(t *testing.T) {
	t.Parallel()
	sent := profile{
		email: "Ada@Example.com", username: "Ada", emailVerified: true,
		appMetadata: map[string]any{"n": 1, "big": int64(1) << 60, "gone": nil, "list": []int{1, 2}},
	}
	raw, err := json.Marshal(sent.appMetadata)
	require.NoError(t, err)
	var back map[string]any
	require.NoError(t, json.Unmarshal(raw, &back))
	delete(back, "gone")
	seen := profile{email: "ada@example.com", username: "ada", name: "ada@example.com", emailVerified: true, appMetadata: back}
	if d := differing(digests.digest(sent), digests.digest(seen)); len(d) != 0 {
		t.Errorf("%v differ after the journey", d)
	}
	seen.name, seen.blocked = "Ada", true
	if d := differing(digests.digest(sent), digests.digest(seen)); fmt.Sprint(d) != "[name blocked]" {
		t.Errorf("%v differ; want name and blocked", d)
	}
	if d := differing(digests.digest(sent), ""); len(d) != len(fields) {
		t.Errorf("against no digest %v differ; want all", d)
	}
}
