package redissession_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/redissession"
	"github.com/auth0kit/auth0kit/session/sessiontest"
)

// startCluster makes a cluster of three masters and returns one address.
func startCluster(t *testing.T) string {
	t.Helper()
	var nodes []*server
	for range 3 {
		nodes = append(nodes, startServer(t, "--save", "", "--cluster-enabled", "yes", "--cluster-port", backends.FreePort(t)))
	}
	for i, node := range nodes {
		c := plainClient(t, node.addr())
		first, last := i*16384/3, (i+1)*16384/3-1
		command(t, c, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last))
		for _, other := range nodes[:i] {
			command(t, c, "CLUSTER", "MEET", "127.0.0.1", other.port, other.args[len(other.args)-1])
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		up := 0
		for _, node := range nodes {
			c := plainClient(t, node.addr())
			info, err := c.Do(t.Context(), c.B().Arbitrary("CLUSTER", "INFO").Build()).ToString()
			if err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") {
				up++
			}
		}
		if up == len(nodes) {
			return nodes[0].addr()
		}
		if time.Now().After(deadline) {
			t.Fatal("the cluster does not come up within 30 s")
		}
	}
}

func plainClient(t *testing.T, addr string) rueidis.Client {
	t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, ForceSingleClient: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func command(t *testing.T, c rueidis.Client, args ...string) {
	t.Helper()
	if err := c.Do(t.Context(), c.B().Arbitrary(args...).Build()).Error(); err != nil {
		t.Fatalf("%s: %v", args, err)
	}
}

// TestClusterByPlainClients: one node that has all slots looks like a single server to
// a plain client, but takes no keys of several slots in one command.
func TestClusterByPlainClients(t *testing.T) {
	t.Parallel()
	node := startServer(t, "--save", "", "--cluster-enabled", "yes", "--cluster-port", backends.FreePort(t))
	c := plainClient(t, node.addr())
	command(t, c, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	for _, store := range []*redissession.Store{
		open(t, c, redissession.Config{Prefix: "a"}),
		openGo(t, redis.NewClient(&redis.Options{Addr: node.addr()}), redissession.Config{Prefix: "b"}),
	} {
		m := manager(t, store, session.Config{})
		eventually(t, func() error { _, _, err := m.Create(t.Context(), session.Login{UserID: "first"}); return err })
		validateAtOnce(t, m, logins(t, m, 64))
	}
}

// TestValidateAtOnce: of those who are answered by one command, each gets the own
// session, and a revoked one is dead.
func TestValidateAtOnce(t *testing.T) {
	t.Parallel()
	for name, opener := range openers {
		m := manager(t, opener(t, backends.Redis(t), redissession.Config{Prefix: "test:" + rand.Text()}), session.Config{})
		tokens := logins(t, m, 200)
		validateAtOnce(t, m, tokens)
		if err := m.Revoke(t.Context(), tokens[7]); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Validate(t.Context(), tokens[7]); !gone(err) {
			t.Fatal(name, err)
		}
	}
}

func validateAtOnce(t *testing.T, m *session.Manager, tokens []session.Token) {
	t.Helper()
	var wg sync.WaitGroup
	for i, token := range tokens {
		wg.Go(func() {
			for range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				s, err := m.Validate(ctx, token)
				cancel()
				if err != nil || s.UserID != fmt.Sprintf("auth0|%d", i) {
					t.Errorf("session %d: %v, %v", i, s, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestCluster runs the suite on three masters: every script stays in one slot.
func TestCluster(t *testing.T) {
	t.Parallel()
	addr := startCluster(t)
	a, b := dial(t, addr), dial(t, addr)
	goRedis := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}})
	for name, opener := range map[string]func(redissession.Config) *redissession.Store{
		"rueidis":  func(cfg redissession.Config) *redissession.Store { return open(t, a, cfg) },
		"go-redis": func(cfg redissession.Config) *redissession.Store { return openGo(t, goRedis, cfg) },
	} {
		t.Run(name, func(t *testing.T) {
			sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
				cfg := redissession.Config{Prefix: "test:" + rand.Text()}
				return sessiontest.Harness{Store: opener(cfg), Again: open(t, b, cfg), Rounds: 30}
			})
		})
	}
}
