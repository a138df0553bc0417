package jose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/once"
)

// KeySetConfig may be zero.
type KeySetConfig struct {
	HTTPClient *http.Client  // Defaults to one on http.DefaultTransport.
	Refresh    time.Duration // Age at which keys are read again. Defaults to 5 min: so long a revoked key lives.
	MaxStale   time.Duration // Age up to which keys serve while the issuer cannot be reached. Defaults to 24 h.
	Window     time.Duration // Time between two fetches for keys that are not there. Defaults to 5 s.
}

const (
	fetchTimeout = 5 * time.Second
	patience     = time.Second // how long a request waits for fresher keys when stale ones would do
	maxBody      = 1 << 20
)

// KeySet holds the keys of one issuer. It reads them when a token needs them,
// and starts no goroutine before.
//
// A key that is not there is looked for at once. If it was in vain, the next
// look comes no earlier than one Window after, whatever keys are asked for; a
// fetch that did find its key closes nothing. A flood of tokens with invented
// keys thus costs the issuer one fetch in a window and hides a new key for one
// window at most. A token whose key is known never causes a fetch, be its
// signature good or bad, except for the one refresh when keys reach their age.
//
// Fetches run apart from the request that caused them, and all that wait share
// them; a request that is canceled cancels nothing.
type KeySet struct {
	url     string
	cfg     KeySetConfig
	current atomic.Pointer[snapshot]

	fetches once.Call[fetch]
}

// snapshot is one answer of the issuer.
type snapshot struct {
	keys []*Key
	at   time.Time
}

// fetch is one look at the issuer's keys.
type fetch struct {
	kid    string // What it was made for.
	keys   []*Key
	closed time.Time // No fetch for an unknown key before.
}

// NewKeySet makes a key set of the JWK set at an https URL; http is for loopback
// addresses alone. Auth0's is at the issuer followed by .well-known/jwks.json.
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
	cfg.HTTPClient = withoutRedirects(cfg.HTTPClient)
	cfg.Refresh = cmp.Or(cfg.Refresh, 5*time.Minute)
	cfg.MaxStale = cmp.Or(cfg.MaxStale, 24*time.Hour)
	cfg.Window = cmp.Or(cfg.Window, 5*time.Second)
	if cfg.MaxStale < cfg.Refresh {
		return nil, fmt.Errorf("jose: MaxStale is %s; it must be at least Refresh, %s", cfg.MaxStale, cfg.Refresh)
	}
	s := &KeySet{url: jwksURL, cfg: cfg}
	s.fetches.Detach, s.fetches.Settle = fetchTimeout, s.settle
	return s, nil
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

// fresh answers from what the issuer publishes now, or not at all. While the
// window is closed it answers from the last fetch: the key is unknown, or, if that
// failed, nobody can tell.
func (s *KeySet) fresh(ctx context.Context, kid, alg string) (*Key, error) {
	closed := func(last once.Outcome[fetch]) bool { return time.Until(last.Value.closed) > 0 }
	f, err := s.fetches.Do(ctx, closed, s.fetch(kid))
	if err == nil {
		return s.have(kid, alg)
	}
	wait := time.Second // ctx has ended.
	if !f.closed.IsZero() {
		wait = max(time.Until(f.closed), time.Millisecond)
	}
	return nil, &UnavailableError{RetryAfter: wait, Err: err}
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
	return last.Err != nil && time.Until(last.Value.closed) > 0
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
		keys, err := s.read(ctx)
		return fetch{kid: kid, keys: keys}, err
	}
}

// settle takes over the keys of a fetch, and closes the window if it failed or
// was in vain.
func (s *KeySet) settle(last, now once.Outcome[fetch]) once.Outcome[fetch] {
	known := false
	if now.Err == nil {
		s.store(now.Value.keys, now.At)
		_, known = s.current.Load().find(now.Value.kid, "")
	}
	now.Value.closed = last.Value.closed
	if !known {
		now.Value.closed = now.At.Add(s.cfg.Window)
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
