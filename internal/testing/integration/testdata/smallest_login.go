package main

import (
	"encoding/base64"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

func main() { // APP_BASE_URL, AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET; SESSION_KEY: openssl rand -base64 32
	key := must(base64.StdEncoding.DecodeString(os.Getenv("SESSION_KEY")))
	sessions := must(session.New(session.NewMemory(), session.Config{Keys: [][]byte{key}}))
	web := must(session.NewHTTP(sessions, session.HTTPConfig{LoginPath: "/auth/login"}))
	auth := must(login.New(web, must(login.FromEnv()), login.Config{}))
	http.Handle("/auth/", auth)
	http.Handle("GET /account", web.Require(http.HandlerFunc(account)))
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func account(w http.ResponseWriter, r *http.Request) {
	s, _ := session.FromContext(r.Context())
	fmt.Fprintln(w, "Hello", s.UserID)
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
