package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/auth0kit/auth0kit/session"
)

func ExampleManager_StepUp() {
	ctx := context.Background()
	sessions, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, s, err := sessions.Create(ctx, session.Login{UserID: "auth0|42", AuthTime: time.Now(), AMR: []string{"pwd"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sessions.Fresh(s, 5*time.Minute, "mfa"))

	factor := time.Now() // when it was proved, as guardian or the ID token says
	stepped, err := sessions.StepUp(ctx, token, factor, "otp", "mfa")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err = sessions.Validate(ctx, stepped)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sessions.Fresh(s, 5*time.Minute, "mfa"))
	_, err = sessions.Validate(ctx, token) // an old token is dead
	fmt.Println(errors.Is(err, session.ErrRevoked))
	// Output:
	// session: the user must authenticate again for this
	// <nil>
	// true
}

func ExampleManager_UseTokens() {
	ctx := context.Background()
	keys := [][]byte{bytes.Repeat([]byte("k1"), 16)} // 32 random bytes, from your vault
	sessions, err := session.New(session.NewMemory(), session.Config{Keys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, _, err := sessions.Create(ctx, session.Login{UserID: "auth0|42", Tokens: []byte("expired")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fresh := func(tokens []byte) bool { return string(tokens) != "expired" }
	renew := func(context.Context, []byte) ([]byte, error) {
		fmt.Println("the refresh token is used")
		return []byte("new"), nil
	}
	for range 2 {
		tokens, err := sessions.UseTokens(ctx, token, fresh, renew)
		fmt.Println(string(tokens), err)
	}
	// Output:
	// the refresh token is used
	// new <nil>
	// new <nil>
}

func ExampleHTTP_Refuse() {
	sessions, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	web, err := session.NewHTTP(sessions, session.HTTPConfig{
		Render: func(_ *http.Request, x session.Refusal) (string, []byte) {
			return "text/html; charset=utf-8", []byte("<p>" + x.Reason)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	end := web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := web.RevokeOthers(w, r); err != nil {
			web.Refuse(w, r, session.Refusal{Err: err})
			return
		}
		fmt.Fprint(w, "done")
	}))
	w := httptest.NewRecorder()
	end.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sessions/end-others", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 401 <p>no_session
}
