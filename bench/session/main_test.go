package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestCompare runs the whole comparison shortly, and checks the columns that do
// not depend on the machine.
func TestCompare(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("needs the program redis-server")
	}
	redis, err := startRedis()
	if err != nil {
		t.Fatal(err)
	}
	defer redis.stop()
	all, err := candidates(redis.addr)
	if err != nil {
		t.Fatal(err)
	}
	results, err := measure(context.Background(), all, redis, 20*time.Millisecond, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range all {
		if r := results[i]; len(r.wall) != len(clients) || r.wall[0] <= 0 || r.cpu[0] <= 0 {
			t.Errorf("%s: %+v", c.name, r)
		}
		if c.login == nil {
			continue
		}
		want := "YES"
		if strings.HasPrefix(c.name, "auth0kit") {
			want = "no"
		}
		if a, b, l := yes(c, resurrects), yes(c, revivesFixated), yes(c, losesUpdates); a != want || b != want || l != want {
			t.Errorf("%s: resurrects %s, revives fixated %s, loses updates %s; want %s", c.name, a, b, l, want)
		}
		// One round trip: an MGET of the session and what revokes it.
		if (c.name == ours || c.name == oursGoRedis) && results[i].commands != "1.0" {
			t.Errorf("%s: %s commands for a request", c.name, results[i].commands)
		}
		if memory, err := memoryPerSession(c, redis, 100); err != nil || memory == "0" {
			t.Errorf("%s: %s bytes a session, %v", c.name, memory, err)
		}
	}
}
