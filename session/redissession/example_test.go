package redissession_test

import (
	"context"
	"log"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/redissession"
)

// It needs a Redis, so it is compiled only.
func ExampleNew() {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"127.0.0.1:6379"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	store, err := redissession.New(client, redissession.Config{Prefix: "myapp:session"})
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	token, _, err := sessions.Create(context.Background(), session.Login{UserID: "auth0|42"})
	if err != nil {
		log.Fatal(err)
	}
	log.Println("signed in with", token)
}
