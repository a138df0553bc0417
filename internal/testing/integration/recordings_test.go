package integration

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// The go-auth0 module carries recordings of its tests against Auth0. Each is
// replayed against a new tenant, and what the tenant answers is compared with
// what Auth0 answered: the status exactly, the body by its keys, types and
// values, except for values that cannot be the same (see recordings_diff_test.go).

// recordedHost is the tenant of the recordings.
const recordedHost = "go-auth0-dev.eu.auth0.com"

// leastShare is what must match, by area of the API.
var leastShare = map[string]float64{
	"users": 0.95, "users-by-email": 0.95, "organizations": 0.95, "roles": 0.95, "jobs": 0.95, "tickets": 0.95,
	"logs": 0.95, "log-streams": 0.95, "guardian": 0.95, "actions": 0.95, "attack-protection": 0.95, "anomaly": 0.95,
	"user-blocks": 0.95, "sessions": 0.95, "refresh-tokens": 0.95, "clients": 0.95, "client-grants": 0.95,
	"resource-servers": 0.95, "connections": 0.95, "rules": 0.95, "rules-configs": 0.95, "hooks": 0.95, "emails": 0.95,
	"risk-assessments": 0.95,
}

type cassette struct {
	name         string
	Interactions []interaction `yaml:"interactions"`
}

type interaction struct {
	Request struct {
		Method  string      `yaml:"method"`
		URL     string      `yaml:"url"`
		Body    string      `yaml:"body"`
		Headers http.Header `yaml:"headers"`
	} `yaml:"request"`
	Response struct {
		Code int    `yaml:"code"`
		Body string `yaml:"body"`
	} `yaml:"response"`
}

// area is the first part of the path below /api/v2.
func (i *interaction) area() string {
	u, err := url.Parse(i.Request.URL)
	if err != nil {
		return ""
	}
	path, isAPI := strings.CutPrefix(u.Path, "/api/v2/")
	if !isAPI {
		return ""
	}
	area, _, _ := strings.Cut(path, "/")
	return area
}

// pathOf is the path of a request.
func pathOf(x *interaction) string {
	u, err := url.Parse(x.Request.URL)
	if err != nil {
		return ""
	}
	return u.Path
}

func TestRecordings(t *testing.T) {
	t.Parallel()
	tally := make(map[string]*share)
	for _, c := range readCassettes(t) {
		replay(t, c, tally, nil)
	}
	for _, area := range slices.Sorted(maps.Keys(tally)) {
		s := tally[area]
		t.Logf("%-28s %4d of %4d  %5.1f%%, %d explained", area, s.matched, s.total, 100*s.share(), s.explained)
		if !s.enough(leastShare[area]) {
			t.Errorf("%s: %.1f%% of the recorded interactions match, want %.0f%%:\n%s",
				area, 100*s.share(), 100*leastShare[area], strings.Join(s.lines(), "\n"))
		}
	}
	writeConformance(t, "recordings", recordingsTable(tally))
}

// share counts interactions of an area.
type share struct {
	matched, explained, total int
	reasons                   []mismatch
}

// mismatch is an interaction that was answered otherwise.
type mismatch struct {
	place string // Cassette and number.
	why   string
}

func (s *share) lines() []string {
	var out []string
	for _, m := range s.reasons {
		out = append(out, "  "+m.place+": "+m.why)
	}
	return out
}

func (s *share) share() float64 { return float64(s.matched) / float64(s.total) }

// enough leaves out what is explained.
func (s *share) enough(least float64) bool {
	return float64(s.matched) >= least*float64(s.total-s.explained)
}

func readCassettes(t *testing.T) []cassette {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/auth0/go-auth0").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "test", "data", "recordings")
	var all []cassette
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		c := cassette{name: strings.TrimSuffix(strings.TrimPrefix(path, root+"/"), ".yaml")}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		all = append(all, c)
		return yaml.Unmarshal(raw, &all[len(all)-1])
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(c cassette) bool { return len(c.Interactions) == 0 || c.Interactions[0].area() == "" })
}

// replay walks one cassette.
func replay(t *testing.T, c cassette, tally map[string]*share, see observer) {
	t.Helper()
	tenant := auth0test.NewTenant(auth0test.Options{Domain: recordedHost, RulesAndHooks: true, IgnoredSettings: []string{"*"}, Outgoing: auth0test.HandlerTransport(http.NotFoundHandler()), JobTime: workTime, RefusedMail: []string{"example.com"}})
	p := &player{tenant: tenant, token: machineToken(t, tenant), ids: make(map[string]string), see: see}
	if strings.Contains(c.name, "Organization") {
		loginRoute(t, tenant, p.token)
	}
	p.prepare(t, c)
	for i := range c.Interactions {
		x := &c.Interactions[i]
		area := c.area(x)
		if area == "" {
			continue
		}
		tenant.Advance(pause(c, i))
		diffs, err := p.play(x)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		s := tally[area]
		if s == nil {
			s = &share{}
			tally[area] = s
		}
		s.total++
		if len(diffs) == 0 {
			s.matched++
			continue
		}
		place := fmt.Sprintf("%s #%d", c.name, i)
		why := strings.Join(diffs[:min(3, len(diffs))], "; ")
		if reason := explain(place, diffs); reason != "" {
			s.explained++
			why = reason
		} else if strings.Contains(why, "auth0test_not_implemented") {
			why = "not implemented: " + x.Request.Method + " " + shortPath(x)
		}
		s.reasons = append(s.reasons, mismatch{place, why})
	}
}

// area tells connections of databases and passwordless ones from the others:
// only those are among what the tenant is for.
func (c *cassette) area(x *interaction) string {
	area := x.area()
	if area == "connections" && c.federated() {
		return "connections (federated)"
	}
	return area
}

// federated reports whether a cassette makes connections to identity providers.
func (c *cassette) federated() bool {
	for _, x := range c.Interactions {
		var body struct{ Strategy string }
		if x.area() == "connections" && x.Request.Method == http.MethodPost && json.Unmarshal([]byte(x.Request.Body), &body) == nil &&
			!slices.Contains([]string{"", "auth0", "email", "sms"}, body.Strategy) {
			return true
		}
	}
	return false
}

// shortPath is the path below /api/v2 without ids and query.
func shortPath(x *interaction) string {
	_, path, _ := strings.Cut(x.Request.URL, "/api/v2")
	path, _, _ = strings.Cut(path, "?")
	return idInPath.ReplaceAllString(path, "/{id}")
}

func machineToken(t *testing.T, tenant *auth0test.Tenant) string {
	t.Helper()
	m := tenant.Machine()
	res, err := tenant.HTTPClient().PostForm(tenant.Issuer()+"oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {m.ID}, "client_secret": {m.Secret}, "audience": {tenant.Issuer() + "api/v2/"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: %d %v", res.StatusCode, err)
	}
	return answer.Token
}

// player sends the requests of a cassette with the ids of its own tenant.
type player struct {
	tenant *auth0test.Tenant
	token  string
	ids    map[string]string // Recorded to actual.
	see    observer
}

// observer is shown every answer of the tenant; nil for none.
type observer func(method, path string, status int, body []byte)

func (p *player) play(x *interaction) ([]string, error) {
	rewrite := p.replacer()
	body := strings.ReplaceAll(x.Request.Body, recordedHost+".us.auth0.com", recordedHost)
	r, err := http.NewRequest(x.Request.Method, rewrite.Replace(x.Request.URL), strings.NewReader(rewrite.Replace(body)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Content-Type", cmp.Or(x.Request.Headers.Get("Content-Type"), "application/json"))
	res, err := p.tenant.HTTPClient().Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if p.see != nil {
		p.see(r.Method, r.URL.EscapedPath(), res.StatusCode, raw)
	}
	if res.StatusCode != x.Response.Code && res.StatusCode < 300 && x.Response.Code < 300 {
		p.compareBodies(x.area(), strings.TrimSpace(x.Response.Body), string(bytes.TrimSpace(raw))) // For the ids.
	}
	if res.StatusCode != x.Response.Code {
		return []string{fmt.Sprintf("status %d, recorded %d: %s", res.StatusCode, x.Response.Code, raw[:min(200, len(raw))])}, nil
	}
	return p.compareBodies(x.area(), strings.TrimSpace(x.Response.Body), string(bytes.TrimSpace(raw))), nil
}

// replacer turns recorded ids into the tenant's, escaped or not.
func (p *player) replacer() *strings.Replacer {
	recorded := slices.SortedFunc(maps.Keys(p.ids), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, id := range recorded {
		pairs = append(pairs, id, p.ids[id])
		if escaped := url.PathEscape(id); escaped != id {
			pairs = append(pairs, escaped, url.PathEscape(p.ids[id]))
		}
		if escaped := url.QueryEscape(id); escaped != id {
			pairs = append(pairs, escaped, url.QueryEscape(p.ids[id]))
		}
	}
	return strings.NewReplacer(pairs...)
}

func (p *player) compareBodies(area, recorded, actual string) []string {
	if recorded == "" || actual == "" {
		if recorded != actual {
			return []string{fmt.Sprintf("body %q, recorded %q", actual[:min(120, len(actual))], recorded[:min(120, len(recorded))])}
		}
		return nil
	}
	var want, got any
	if json.Unmarshal([]byte(recorded), &want) != nil || destroyed(want) {
		return nil
	}
	if err := json.Unmarshal([]byte(actual), &got); err != nil {
		return []string{"the body is not JSON"}
	}
	d := &differ{area: area, ids: p.ids}
	d.compare(want, got, "")
	return d.found
}

// destroyed reports a body of which the recorder left nothing: it wrote the
// bodies of clients and APIs anew, without what it did not know.
func destroyed(body any) bool {
	m, isObject := body.(map[string]any)
	if !isObject {
		return false
	}
	for k := range m {
		if k != "client_secret" && k != "signing_keys" {
			return false
		}
	}
	return true
}
