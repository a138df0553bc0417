package auth0test_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// BenchmarkCreateUser creates users through TLS, by eight clients for each
// processor.
func BenchmarkCreateUser(b *testing.B) {
	tenant := auth0test.NewTenant(auth0test.Options{})
	server := tenant.Start()
	defer server.Close()
	bearer := "Bearer " + tokenAt(b, server.Client, server.URL, tenant)
	var n atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			body := fmt.Sprintf(`{"connection":"Username-Password-Authentication","email":"u%d@example.com","password":"Correct horse 1"}`, n.Add(1))
			r, err := http.NewRequest("POST", server.URL+"/api/v2/users", strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			r.Header.Set("Authorization", bearer)
			r.Header.Set("Content-Type", "application/json")
			res, err := server.Client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusCreated {
				b.Errorf("status %d", res.StatusCode)
			}
		}
	})
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "users/s")
}

// BenchmarkUsersInMemory fills a tenant with 100,000 users, and reports what
// they hold of the heap.
func BenchmarkUsersInMemory(b *testing.B) {
	const users = 100_000
	var held uint64
	for b.Loop() {
		tenant := auth0test.NewTenant(auth0test.Options{})
		before := heap()
		for i := range users {
			tenant.AddUser(resource.User{Email: fmt.Sprintf("user.number%d@example.com", i), Name: fmt.Sprintf("User Number %d", i)}, "password")
		}
		held = heap() - before
		runtime.KeepAlive(tenant)
	}
	b.ReportMetric(float64(held)/(1<<20), "MiB/100k-users")
}

// heap is what is in use after a collection.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
