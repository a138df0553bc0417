package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/redisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
	"github.com/auth0kit/auth0kit/session/redissession"
	ourgoredis "github.com/auth0kit/auth0kit/session/redissession/goredis"
)

// candidate is one way to keep sessions. What is no session has only load.
type candidate struct {
	name    string
	inRedis bool
	lag     time.Duration // of what a request sees
	load    func(next http.Handler) http.Handler
	user    func(r *http.Request) string
	login   func(w http.ResponseWriter, r *http.Request) error
	logout  func(w http.ResponseWriter, r *http.Request) error
	rotate  func(w http.ResponseWriter, r *http.Request) error
	put     func(r *http.Request, key string) error
	has     func(r *http.Request, key string) bool
}

// The candidates whose ratios are printed.
const (
	theirs      = "scs goredisstore, idle"
	ours        = "auth0kit redissession"
	oursGoRedis = "auth0kit redissession, go-redis"
)

const (
	userID    = "auth0|507f1f77bcf86cd799439011"
	tokenSize = 1500
)

var tokens = strings.Repeat("t", tokenSize)

func candidates(addr string) ([]*candidate, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}})
	if err != nil {
		return nil, err
	}
	plain := goredis.NewClient(&goredis.Options{Addr: addr, PoolSize: 100})
	pool := &redis.Pool{MaxIdle: 100, Dial: func() (redis.Conn, error) { return redis.Dial("tcp", addr) }}
	value := userID + tokens
	if err := plain.Set(context.Background(), "bare", value, 0).Err(); err != nil {
		return nil, err
	}
	list := []*candidate{
		bareGET("bare GET, rueidis", func(ctx context.Context) error {
			return client.Do(ctx, client.B().Get().Key("bare").Build()).Error()
		}),
		bareGET("bare GET, go-redis", func(ctx context.Context) error { return plain.Get(ctx, "bare").Err() }),
		ofSCS("scs memstore", false, memstore.NewWithCleanupInterval(0), 0),
		ofSCS("scs memstore, idle", false, memstore.NewWithCleanupInterval(0), time.Hour),
		ofSCS("scs goredisstore", true, goredisstore.NewWithPrefix(plain, "a:"), 0),
		ofSCS(theirs, true, goredisstore.NewWithPrefix(plain, "b:"), time.Hour),
		ofSCS("scs redisstore", true, redisstore.NewWithPrefix(pool, "c:"), 0),
		ofSCS("scs redisstore, idle", true, redisstore.NewWithPrefix(pool, "d:"), time.Hour),
	}
	ours := []struct {
		name    string
		touch   time.Duration
		inRedis bool
		goRedis bool
		cfg     redissession.Config
	}{
		{"auth0kit Memory", 0, false, false, redissession.Config{}},
		{ours, 0, true, false, redissession.Config{Prefix: "e"}},
		{"auth0kit redissession, touch always", time.Nanosecond, true, false, redissession.Config{Prefix: "f"}},
		{"auth0kit redissession, 5 s cache", 0, true, false, redissession.Config{Prefix: "g", MaxStale: 5 * time.Second}},
		{oursGoRedis, 0, true, true, redissession.Config{Prefix: "h"}},
	}
	for _, o := range ours {
		var store driver.Store = session.NewMemory()
		if o.goRedis {
			store, err = ourgoredis.New(plain, o.cfg)
		} else if o.inRedis {
			store, err = redissession.New(client, o.cfg)
		}
		if err != nil {
			return nil, err
		}
		c, err := ofAuth0kit(o.name, o.inRedis, store, o.touch)
		if err != nil {
			return nil, err
		}
		c.lag = o.cfg.MaxStale
		list = append(list, c)
	}
	return list, nil
}

// bareGET is the floor: one GET of as many bytes, and no session.
func bareGET(name string, get func(context.Context) error) *candidate {
	return &candidate{
		name: name, inRedis: true,
		load: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := get(r.Context()); err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				next.ServeHTTP(w, r)
			})
		},
		user: func(*http.Request) string { return userID },
	}
}

func ofSCS(name string, inRedis bool, store scs.Store, idle time.Duration) *candidate {
	m := scs.New()
	m.Store, m.IdleTimeout, m.HashTokenInStore = store, idle, true
	return &candidate{
		name: name, inRedis: inRedis, load: m.LoadAndSave,
		user: func(r *http.Request) string { return m.GetString(r.Context(), "user") },
		login: func(_ http.ResponseWriter, r *http.Request) error {
			if err := m.RenewToken(r.Context()); err != nil {
				return err
			}
			m.Put(r.Context(), "user", userID)
			m.Put(r.Context(), "tokens", tokens)
			return nil
		},
		logout: func(_ http.ResponseWriter, r *http.Request) error { return m.Destroy(r.Context()) },
		rotate: func(_ http.ResponseWriter, r *http.Request) error { return m.RenewToken(r.Context()) },
		put:    func(r *http.Request, key string) error { m.Put(r.Context(), key, "x"); return nil },
		has:    func(r *http.Request, key string) bool { return m.Exists(r.Context(), key) },
	}
}

// payload is what the candidate of this module keeps: a user's tokens, and keys.
type payload struct {
	Tokens string
	Keys   []string
}

func ofAuth0kit(name string, inRedis bool, store driver.Store, touch time.Duration) (*candidate, error) {
	m, err := session.New(store, session.Config{
		TouchEvery: touch, MaxPerUser: 1000, Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")},
	})
	if err != nil {
		return nil, err
	}
	web, err := session.NewHTTP(m, session.HTTPConfig{})
	if err != nil {
		return nil, err
	}
	number := 0
	return &candidate{
		name: name, inRedis: inRedis, load: web.Load,
		user: func(r *http.Request) string {
			if s, ok := session.FromContext(r.Context()); ok {
				return s.UserID
			}
			return ""
		},
		login: func(w http.ResponseWriter, r *http.Request) error {
			text, err := json.Marshal(payload{Tokens: tokens})
			if err != nil {
				return err
			}
			number++ // of other users, so that no limit is reached
			_, err = web.Login(w, r, session.Login{UserID: fmt.Sprintf("%s%d", userID, number/10), Payload: text})
			return err
		},
		logout: web.Logout,
		rotate: func(w http.ResponseWriter, r *http.Request) error { return web.StepUp(w, r, time.Now(), "otp") },
		put: func(r *http.Request, key string) error {
			c, err := r.Cookie("__Host-session")
			if err != nil {
				return err
			}
			return m.Update(r.Context(), session.Token(c.Value), func(text []byte) ([]byte, error) {
				var p payload
				if err := json.Unmarshal(text, &p); err != nil {
					return nil, err
				}
				p.Keys = append(p.Keys, key)
				return json.Marshal(p)
			})
		},
		has: func(r *http.Request, key string) bool {
			s, ok := session.FromContext(r.Context())
			var p payload
			return ok && json.Unmarshal(s.Payload, &p) == nil && slices.Contains(p.Keys, key)
		},
	}, nil
}
