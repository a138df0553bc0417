package redisrisk_test

import (
	"context"
	"log"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/redisrisk"
)

// It needs a server, so it is compiled only.
func ExampleNew() {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"redis:6379"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	counters, err := redisrisk.New(client, redisrisk.Config{})
	if err != nil {
		log.Fatal(err)
	}
	failure := risk.Count{Key: "fail:addr:192.0.2.1", Member: "auth0|ada", Window: time.Hour, At: time.Now()}
	tallies, err := counters.Add(context.Background(), []risk.Count{failure})
	log.Println(tallies, err)
}
