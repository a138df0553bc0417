package jose

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/lru"
	"github.com/auth0kit/auth0kit/internal/once"
	"github.com/auth0kit/auth0kit/internal/retry"
)

// KeySetConfig may be zero.
type KeySetConfig struct {
	HTTPClient *http.Client  // Defaults to one on http.DefaultTransport.
	Refresh    time.Duration // Age at which keys are read again. Defaults to 5 min: so long a revoked key lives.
	MaxStale   time.Duration // Age up to which keys serve while the issuer cannot be reached. Defaults to 24 h.
	Window     time.Duration // Least time between two fetches for keys that are not there; half after a failure. Defaults to 10 s.
}

const (
	fetchTimeout = 5 * time.Second
	patience     = time.Second // how long a request waits for fresher keys when stale ones would do
	maxWaiting   = 4096        // requests that wait for the next fetch; others are told to come back
	quickFetches = 3           // fetches in a minute after which even one that found its key closes the window
	maxBody      = 1 << 20
)

// KeySet holds the keys of one issuer. It reads them when a token needs them,
// and starts no goroutine before.
//
// A key that is not there is looked for at once, and after that no earlier than
// one Window later, whatever keys are asked for; a fetch that did find its key
// closes nothing while there were few. A token whose key is not there waits for
// the first fetch that begins after the token came, and is refused by no other,
// so that a flood of tokens with invented keys costs the issuer one fetch in a
// window and delays a new key by one window, but cannot have it refused. A key
// that was looked for in vain is refused without waiting for one Window. A token
// whose key is known never causes a fetch, be its signature good or bad, except
// for the one refresh when keys reach their age.
//
// Fetches run apart from the request that caused them, and all that wait share
// them; a request that is canceled cancels nothing.
type KeySet struct {
	url     string
	cfg     KeySetConfig
	current atomic.Pointer[snapshot]

	fetches once.Call[fetch]
	begun   atomic.Int64
	recent  []time.Time                   // When fetches of the last minute began; in settle.
	vain    *lru.Cache[string, time.Time] // By the SHA-256 of the key's id: when the fetch in vain began.
	waiting atomic.Int64
}

// identity is what makes two key sets the same one.
type identity struct {
	url string
	cfg KeySetConfig
}

// shared holds the key sets, so that verifiers of one issuer ask it once for all.
var shared interned[identity, KeySet]

// snapshot is one answer of the issuer.
type snapshot struct {
	keys []*Key
	at   time.Time
}

// fetch is one look at the issuer's keys.
type fetch struct {
	kid   string // What it was made for.
	keys  []*Key
	n     int64 // Which one it is, from 1.
	began time.Time
	next  time.Time // No fetch for an unknown key before.
}

// NewKeySet returns the key set of the JWK set at an https URL; http is for loopback
// addresses alone. Auth0's is at the issuer followed by .well-known/jwks.json. All
// who ask for the same URL with the same client and times get the same KeySet.
func NewKeySet(jwksURL string, cfg KeySetConfig) (*KeySet, error) {
	u, err := url.Parse(jwksURL)
	if err != nil || u.Host == "" {
		return nil, errors.New("jose: the address of the keys is not a URL")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !issuer.IsLoopback(u.Hostname())) {
		return nil, errors.New("jose: keys are read by https only; http is for loopback addresses")
	}
	for field, d := range map[string]time.Duration{"Refresh": cfg.Refresh, "MaxStale": cfg.MaxStale, "Window": cfg.Window} {
		if d < 0 {
			return nil, fmt.Errorf("jose: %s must not be negative", field)
		}
	}
	id := identity{jwksURL, cfg}
	cfg.HTTPClient = withoutRedirects(cfg.HTTPClient)
	cfg.Refresh = cmp.Or(cfg.Refresh, 5*time.Minute)
	cfg.MaxStale = cmp.Or(cfg.MaxStale, 24*time.Hour)
	cfg.Window = cmp.Or(cfg.Window, 10*time.Second)
	if cfg.MaxStale < cfg.Refresh {
		return nil, fmt.Errorf("jose: MaxStale is %s; it must be at least Refresh, %s", cfg.MaxStale, cfg.Refresh)
	}
	return shared.get(id, func() *KeySet {
		s := &KeySet{url: jwksURL, cfg: cfg, vain: lru.New[string, time.Time](1000)}
		s.fetches.Detach, s.fetches.Settle = fetchTimeout, s.settle
		return s
	}), nil
}

// withoutRedirects keeps an issuer from sending us elsewhere for its keys, such as
// to plain http. Auth0 does not.
func withoutRedirects(client *http.Client) *http.Client {
	if client == nil {
		client = &http.Client{}
	}
	stays := *client
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &stays
}

// find returns the key, an Error with UnknownKey, or an UnavailableError.
func (s *KeySet) find(ctx context.Context, kid, alg string) (*Key, error) {
	now := s.current.Load()
	if now == nil {
		return s.fresh(ctx, kid, alg)
	}
	key, known := now.find(kid, alg)
	age := time.Since(now.at)
	switch {
	case !known || age >= s.cfg.MaxStale:
		return s.fresh(ctx, kid, alg)
	case key == nil: // the key is there, for another algorithm
		return nil, refuse(UnknownKey)
	case age < s.cfg.Refresh*4/5:
		return key, nil
	case age < s.cfg.Refresh: // soon: nobody has to wait if the issuer is asked now
		s.refresh(ctx, key)
		return key, nil
	}
	return s.fresher(ctx, key)
}

// find returns the key, and whether the id is known, be it for another algorithm.
func (s *snapshot) find(kid, alg string) (key *Key, known bool) {
	for _, k := range s.keys {
		if k.ID == kid {
			known = true
			if k.Alg == alg {
				return k, true
			}
		}
	}
	return nil, known
}

// fresh answers from what the issuer publishes after the token came, or not at all.
func (s *KeySet) fresh(ctx context.Context, kid, alg string) (*Key, error) {
	if now := s.current.Load(); now != nil && time.Since(now.at) < s.cfg.MaxStale { // read since the caller looked
		if key, _ := now.find(kid, alg); key != nil {
			return key, nil
		}
	}
	before, sum := s.begun.Load(), sha256.Sum256([]byte(kid))
	name := string(sum[:])
	if at, ok := s.vain.Get(name); ok && time.Since(at) < s.cfg.Window {
		return nil, refuse(UnknownKey)
	}
	if s.waiting.Add(1) > maxWaiting {
		s.waiting.Add(-1)
		return nil, s.unavailable(fetch{}, errors.New("too many requests wait for keys"))
	}
	defer s.waiting.Add(-1)
	closed := func(last once.Outcome[fetch]) bool { return time.Until(last.Value.next) > 0 }
	for {
		f, err := s.fetches.Do(ctx, closed, s.fetch(kid))
		if err != nil {
			return nil, s.unavailable(f, err)
		}
		key, err := s.have(kid, alg)
		if err == nil {
			return key, nil
		}
		if f.n > before {
			s.vain.Put(name, f.began)
			return nil, err
		}
		if err := retry.Sleep(ctx, time.Until(f.next)); err != nil {
			return nil, s.unavailable(f, err)
		}
	}
}

func (s *KeySet) unavailable(f fetch, err error) error {
	wait := time.Second // ctx has ended
	if !f.next.IsZero() {
		wait = max(time.Until(f.next), time.Millisecond)
	}
	return &UnavailableError{RetryAfter: wait, Err: err}
}

// fresher prefers what the issuer publishes now to key, which is due for a
// refresh, but goes on with key if the issuer is slow or cannot be reached.
func (s *KeySet) fresher(ctx context.Context, key *Key) (*Key, error) {
	if s.fetches.Last().Err != nil {
		s.refresh(ctx, key)
		return key, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, _ = s.fetches.Do(ctx, resting, s.fetch(key.ID)) // the keys in memory do as well
	return s.have(key.ID, key.Alg)
}

// refresh begins a fetch for a key that is known.
func (s *KeySet) refresh(ctx context.Context, key *Key) {
	s.fetches.Start(ctx, resting, s.fetch(key.ID))
}

// resting reports whether the issuer is left in peace after a failure.
func resting(last once.Outcome[fetch]) bool {
	return last.Err != nil && time.Until(last.Value.next) > 0
}

// have answers from the keys in memory.
func (s *KeySet) have(kid, alg string) (*Key, error) {
	if key, _ := s.current.Load().find(kid, alg); key != nil {
		return key, nil
	}
	return nil, refuse(UnknownKey)
}

func (s *KeySet) fetch(kid string) func(context.Context) (fetch, error) {
	return func(ctx context.Context) (fetch, error) {
		f := fetch{kid: kid, n: s.begun.Add(1), began: time.Now()}
		var err error
		f.keys, err = s.read(ctx)
		return f, err
	}
}

// settle takes over the keys of a fetch, and closes the window if it failed, was
// in vain, or is one of many.
func (s *KeySet) settle(_, now once.Outcome[fetch]) once.Outcome[fetch] {
	if now.Value.began.IsZero() { // it did not return
		now.Value.began = now.At
	}
	s.recent = append(slices.DeleteFunc(s.recent, func(t time.Time) bool { return now.At.Sub(t) > time.Minute }), now.Value.began)
	known := false
	if now.Err == nil {
		s.store(now.Value.keys, now.At)
		_, known = s.current.Load().find(now.Value.kid, "")
	}
	switch {
	case now.Err != nil: // nobody waits for the next one, so it comes sooner
		now.Value.next = now.At.Add(s.cfg.Window / 2)
	case !known, len(s.recent) > quickFetches:
		now.Value.next = now.Value.began.Add(s.cfg.Window)
	}
	return now
}

// store replaces the keys. One that was there before stays the same *Key, by
// which tokens recognize it.
func (s *KeySet) store(keys []*Key, now time.Time) {
	if old := s.current.Load(); old != nil {
		for i, key := range keys {
			if before, _ := old.find(key.ID, key.Alg); before != nil && before.equal(key) {
				keys[i] = before
			}
		}
	}
	s.current.Store(&snapshot{keys: keys, at: now})
}

func (s *KeySet) read(ctx context.Context) ([]*Key, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, errors.New("the address of the keys is not a URL")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Cache-Control", "no-cache") // an answer that a proxy has kept may not have the key yet
	resp, err := s.cfg.HTTPClient.Do(req)
	if err != nil {
		return nil, unreachable{err}
	}
	defer resp.Body.Close() // nothing to lose: the body is read or given up
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answered %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, unreachable{err}
	}
	if len(body) > maxBody {
		return nil, errors.New("the JWK set is over 1 MiB")
	}
	return parseKeys(body)
}

// unreachable hides what net/http and net say, which names hosts and URLs, but
// lets errors.Is find it.
type unreachable struct{ err error }

func (e unreachable) Error() string { return "the issuer cannot be reached" }

func (e unreachable) Unwrap() error { return e.err }
