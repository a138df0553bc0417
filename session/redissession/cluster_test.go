package redissession_test

import (
	"crypto/rand"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
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
