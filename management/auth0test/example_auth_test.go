package auth0test_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// payload decodes what a token says, unverified.
func payload(token string) map[string]any {
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		panic(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		panic(err)
	}
	return claims
}

// A person logs in to an organization, with a code of an authenticator app.
func ExampleTenant_Login() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddAPI("https://orders.example.com", "read:orders", "write:orders")
	tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	reader := tenant.AddRole("reader", "https://orders.example.com", "read:orders")
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	acme := tenant.AddOrganization("acme")
	tenant.AddMember(acme, ada, reader)
	secret := tenant.Enroll(ada, "otp", "")

	tokens, err := tenant.Login(context.Background(), auth0test.Login{
		Identifier: "ada@example.com", Password: "correct horse", OTP: tenant.OTP(secret),
		OrgID: acme, Audience: "https://orders.example.com",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("amr:", payload(tokens.ID)["amr"])
	fmt.Println("permissions:", payload(tokens.Access)["permissions"])
	fmt.Println("in acme:", payload(tokens.Access)["org_id"] == acme)

	_, err = tenant.Login(context.Background(), auth0test.Login{Identifier: "ada@example.com", Password: "wrong"})
	fmt.Println(err)
	// Output:
	// amr: [mfa]
	// permissions: [read:orders]
	// in acme: true
	// auth0test: login: login_failed: Wrong email or password
}

// A test of an API needs a token, but no login.
func ExampleTenant_AccessToken() {
	tenant := auth0test.NewTenant(auth0test.Options{Domain: "shop.eu.auth0.com"})
	tenant.AddAPI("https://orders.example.com", "read:orders", "write:orders")
	writer := tenant.AddRole("writer", "https://orders.example.com", "read:orders", "write:orders")
	ada := tenant.AddUser(resource.User{ID: "ada"}, "")
	acme := tenant.AddOrganization("acme")
	tenant.AddMember(acme, ada, writer)

	claims := payload(tenant.AccessToken(ada, acme, "https://orders.example.com"))
	fmt.Println(claims["iss"], claims["sub"])
	fmt.Println(claims["aud"])
	fmt.Println(claims["permissions"])
	// Output:
	// https://shop.eu.auth0.com/ auth0|ada
	// [https://orders.example.com https://shop.eu.auth0.com/userinfo]
	// [read:orders write:orders]
}

// Sign makes tokens that an API must refuse.
func ExampleTenant_Sign() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	unsigned := tenant.Sign(map[string]any{"alg": "none", "kid": nil}, map[string]any{"iss": tenant.Issuer(), "sub": "auth0|eve"})
	fmt.Println(unsigned)
	// Output:
	// eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL3RlbmFudC5hdXRoMC50ZXN0LyIsInN1YiI6ImF1dGgwfGV2ZSJ9.
}

// An application hears of logouts in process.
func ExampleHandlerTransport() {
	done := make(chan bool)
	application := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims := payload(r.PostFormValue("logout_token"))
		fmt.Println(r.URL.Path, claims["sub"])
		close(done)
	})
	tenant := auth0test.NewTenant(auth0test.Options{Outgoing: auth0test.HandlerTransport(application)})
	tenant.AddClient(auth0test.Application{
		CallbackURL: "https://app.example.com/callback", BackChannelLogoutURL: "https://app.example.com/backchannel",
	})
	ada := tenant.AddUser(resource.User{ID: "ada", Email: "ada@example.com"}, "correct horse")
	if _, err := tenant.Login(context.Background(), auth0test.Login{Identifier: "ada@example.com", Password: "correct horse"}); err != nil {
		fmt.Println(err)
		return
	}
	client := tenant.Management()
	if err := client.DeleteUser(context.Background(), ada); err != nil {
		fmt.Println(err)
		return
	}
	<-done
	// Output: /backchannel auth0|ada
}

// A person answers a push notification.
func ExampleMessage_Approve() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Application{})
	ada := tenant.AddUser(resource.User{ID: "ada"}, "")
	tenant.Enroll(ada, "push-notification", "")
	ask := func(path, form string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "https://tenant.auth0.test/"+path, strings.NewReader("client_id="+app.ID+"&client_secret="+app.Secret+"&"+form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		tenant.ServeHTTP(w, r)
		return w
	}
	var started struct {
		ID string `json:"auth_req_id"`
	}
	w := ask("bc-authorize", `scope=openid&binding_message=Pay+100+EUR%3F&login_hint={"format":"iss_sub","iss":"https://tenant.auth0.test/","sub":"auth0|ada"}`)
	if err := json.Unmarshal(w.Body.Bytes(), &started); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range tenant.Outbox() {
		fmt.Println(m.Channel, m.Text)
		if err := m.Approve(); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(ask("oauth/token", "grant_type=urn:openid:params:grant-type:ciba&auth_req_id="+started.ID).Code)
	// Output:
	// push Pay 100 EUR?
	// 200
}

// A test walks through the login of the application under test: from the page
// that asks for it to the answer of its callback.
func ExampleTenant_Browse() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")

	var app auth0test.Application // What the application is configured with.
	mux := http.NewServeMux()
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, tenant.Issuer()+"authorize?response_type=code&scope=openid&state=s&client_id="+app.ID, http.StatusFound)
	})
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "a code came back:", r.FormValue("code") != "", r.FormValue("state"))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	app = tenant.AddClient(auth0test.Application{CallbackURL: server.URL + "/callback"})

	res, err := tenant.Browse(context.Background(), server.Client(), server.URL+"/account",
		auth0test.Login{Identifier: "ada@example.com", Password: "correct horse"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	fmt.Print(string(answer), err)
	// Output:
	// a code came back: true s
	// <nil>
}
