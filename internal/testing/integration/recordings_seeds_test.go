package integration

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// seed gives the tenant what the recorded one had before the first request of
// the cassette: log entries, and the sessions, refresh tokens and email
// templates that the cassette names and does not make.
func (p *player) seed(t *testing.T, c cassette) {
	t.Helper()
	p.seedLog(t, c)
	p.seedSessions(c)
	p.seedRefreshTokens(c)
	p.seedTemplate(t, c)
}

// seedTemplate makes the email template that the tenant had: its creation is
// answered by a conflict. What it was shows in the first answer that has it.
func (p *player) seedTemplate(t *testing.T, c cassette) {
	t.Helper()
	isMade := func(x interaction) bool {
		return pathOf(&x) == "/api/v2/email-templates" && x.Response.Code == http.StatusConflict
	}
	if !slices.ContainsFunc(c.Interactions, isMade) {
		return
	}
	for i := range c.Interactions {
		x := &c.Interactions[i]
		if idAfter(x, "email-templates") == "" || x.Response.Code != http.StatusOK {
			continue
		}
		seed := &interaction{}
		seed.Request.Method, seed.Request.URL, seed.Request.Body = http.MethodPost, "https://"+recordedHost+"/api/v2/email-templates", x.Response.Body
		if _, err := p.play(seed); err != nil {
			t.Fatal(err)
		}
		return
	}
}

// seedLog adds the entries that the cassette shows. Those before the page that
// it asks for are not all recorded: the others are exchanges for a token, which
// are most of what a tenant logs that is tested so.
func (p *player) seedLog(t *testing.T, c cassette) {
	t.Helper()
	entries := make(map[string]map[string]any)
	first, before := "", 0
	for i := range c.Interactions {
		x := &c.Interactions[i]
		var list []map[string]any
		if pathOf(x) != "/api/v2/logs" || json.Unmarshal([]byte(x.Response.Body), &list) != nil || len(list) == 0 {
			continue
		}
		for _, e := range list {
			entries[e["log_id"].(string)] = e
		}
		if n := skipped(x); n > 0 {
			first, before = list[0]["log_id"].(string), n
		}
	}
	for id, e := range entries {
		p.tenant.AddLog(e)
		if before > 0 && id > first {
			before--
		}
	}
	for range before - 1 { // The player's own token was the first.
		machineToken(t, p.tenant)
	}
}

// skipped is the number of entries before the page that a request asks for.
func skipped(x *interaction) int {
	u, err := url.Parse(x.Request.URL)
	if err != nil {
		return 0
	}
	page, _ := strconv.Atoi(u.Query().Get("page"))
	size, _ := strconv.Atoi(u.Query().Get("per_page"))
	return page * size
}

// idAfter is the part of a path behind a prefix.
func idAfter(x *interaction, prefix string) string {
	rest, is := strings.CutPrefix(pathOf(x), "/api/v2/"+prefix+"/")
	id, _, _ := strings.Cut(rest, "/")
	if !is {
		return ""
	}
	return id
}

// owner is a user and an application in the place of the recorded ones.
func (p *player) owner(user, client string) (userID, clientID string) {
	if userID = p.ids[user]; userID == "" {
		userID = p.tenant.AddUser(resource.User{Email: "owner@example.com"}, "")
	}
	if clientID = p.ids[client]; clientID == "" {
		clientID = p.tenant.AddClient(auth0test.Application{Name: "Owner"}).ID
	}
	if user != "" {
		p.ids[user] = userID
	}
	if client != "" {
		p.ids[client] = clientID
	}
	return userID, clientID
}

func (p *player) seedSessions(c cassette) {
	for i := range c.Interactions {
		x := &c.Interactions[i]
		id := idAfter(x, "sessions")
		if id == "" || i > 0 {
			continue
		}
		var doc struct {
			UserID string `json:"user_id"`
			Device struct {
				FirstAgent string `json:"initial_user_agent"`
				FirstIP    string `json:"initial_ip"`
				FirstASN   string `json:"initial_asn"`
				LastAgent  string `json:"last_user_agent"`
				LastIP     string `json:"last_ip"`
				LastASN    string `json:"last_asn"`
			}
			Clients []struct {
				ID string `json:"client_id"`
			}
			Authentication struct{ Methods []auth0test.Proof }
		}
		json.Unmarshal([]byte(x.Response.Body), &doc)
		client := ""
		if len(doc.Clients) > 0 {
			client = doc.Clients[0].ID
		}
		userID, clientID := p.owner(doc.UserID, client)
		d := doc.Device
		p.tenant.AddSession(auth0test.Session{
			ID: id, UserID: userID, Clients: []string{clientID}, Proofs: doc.Authentication.Methods,
			First: auth0test.Device{IP: d.FirstIP, UserAgent: d.FirstAgent, ASN: d.FirstASN},
			Last:  auth0test.Device{IP: d.LastIP, UserAgent: d.LastAgent, ASN: d.LastASN},
		})
	}
}

// recordedToken is a refresh token as it is shown.
type recordedToken struct {
	ID       string `json:"id"`
	UserID   string `json:"user_id"`
	ClientID string `json:"client_id"`
	Rotating bool   `json:"rotating"`
	APIs     []struct {
		Audience, Scopes string
	} `json:"resource_servers"`
}

// seedRefreshTokens adds the tokens of the first answer. Where a list shows one
// id twice, the second gets another.
func (p *player) seedRefreshTokens(c cassette) {
	x := &c.Interactions[0]
	var shown struct {
		recordedToken
		Tokens []recordedToken
	}
	if x.Request.Method != http.MethodGet || json.Unmarshal([]byte(x.Response.Body), &shown) != nil {
		return
	}
	if idAfter(x, "refresh-tokens") != "" {
		shown.Tokens = []recordedToken{shown.recordedToken}
	}
	var ids []string
	for _, r := range shown.Tokens {
		userID, clientID := p.owner(r.UserID, r.ClientID)
		s := auth0test.RefreshToken{UserID: userID, ClientID: clientID, Rotating: r.Rotating}
		if !slices.Contains(ids, r.ID) {
			s.ID = r.ID
		}
		ids = append(ids, r.ID)
		for _, api := range r.APIs {
			s.Audience, s.Scope = strings.ReplaceAll(api.Audience, recordedHost+".us.auth0.com", recordedHost), api.Scopes
		}
		p.tenant.AddRefreshToken(s)
	}
}
