package redisanomaly_test

import (
	"context"
	"log"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/redisanomaly"
)

// It needs a server, so it is compiled only.
var keys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")} // 32 random bytes, out of a secret store

func ExampleNew() {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"redis:6379"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	store, err := redisanomaly.New(client, redisanomaly.Config{})
	if err != nil {
		log.Fatal(err)
	}
	detector, err := anomaly.New(store, keys, anomaly.Config{})
	if err != nil {
		log.Fatal(err)
	}
	assessment, err := detector.Assess(context.Background(), anomaly.Attempt{UserID: "auth0|ada", Time: time.Now()})
	log.Println(assessment.FirstLogin, err)
}
