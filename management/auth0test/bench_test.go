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

// BenchmarkUsersInMemory reports what a user costs.
func BenchmarkUsersInMemory(b *testing.B) {
	tenant := auth0test.NewTenant(auth0test.Options{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	i := 0
	for b.Loop() {
		tenant.AddUser(resource.User{Email: fmt.Sprintf("user.number%d@example.com", i), Name: fmt.Sprintf("User Number %d", i)}, "password")
		i++
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(i), "B/user")
	runtime.KeepAlive(tenant)
}
