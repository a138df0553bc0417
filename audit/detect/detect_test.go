package detect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/detect"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func user(id string) audit.Ref { return audit.Ref{Kind: "user", ID: id} }

// admin is a call of the Management API as auth0logs records it.
func admin(method, resource string, more ...string) auditlog.Entry {
	m := map[string]string{"method": method, "resource": resource}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return auditlog.Entry{Event: audit.Event{Type: "admin", Action: "admin.sapi", Outcome: audit.Success, Actor: user("auth0|admin"), IP: "203.0.113.7", Metadata: m}}
}

func of(action string, target audit.Ref, ip string, change func(e *auditlog.Entry)) auditlog.Entry {
	kind, _, _ := strings.Cut(action, ".")
	e := auditlog.Entry{Event: audit.Event{Type: kind, Action: action, Outcome: audit.Success, Actor: target, Target: target, IP: ip}}
	if change != nil {
		change(&e)
	}
	return e
}

func failed(e *auditlog.Entry) { e.Outcome = audit.Failure }

// feed gives the events to a new instance of a rule, one each step, and returns how
// often it fired, and what it said first.
func feed(t *testing.T, d auditlog.Detection, step time.Duration, events ...auditlog.Entry) (n int, first auditlog.Finding) {
	t.Helper()
	rule := d.New()
	for i, e := range events {
		e.ID, e.Time = fmt.Sprint("e", i), noon.Add(time.Duration(i)*step)
		for _, f := range rule(e) {
			if n == 0 {
				first = f
			}
			n++
			require.NotEmpty(t, f.Because)
			require.False(t, f.Subject.IsZero())
		}
	}
	return n, first
}

// An event of a clock that was ahead does not silence a rule until then.
func TestRuleAfterTheClockWentBack(t *testing.T) {
	t.Parallel()
	rule := detect.PasswordSpray().New()
	fired := 0
	for _, day := range []time.Time{noon.AddDate(1, 0, 0), noon} {
		for i := range 100 {
			e := of("login.fail", user(fmt.Sprint("auth0|", i)), "192.0.2.1", failed)
			e.ID, e.Time = fmt.Sprint(day, i), day.Add(time.Duration(i)*time.Second)
			fired += len(rule(e))
		}
	}
	assert.Equal(t, 2, fired)
}

func times(n int, make func(i int) auditlog.Entry) []auditlog.Entry {
	out := []auditlog.Entry{}
	for i := range n {
		out = append(out, make(i))
	}
	return out
}

func TestSettings(t *testing.T) {
	t.Parallel()
	read := func(secrets string) auditlog.Entry {
		e := admin("get", "clients", "secrets", secrets)
		e.Action = "admin.mgmt_api_read"
		return e
	}
	described := admin("post", "x")
	described.Personal = map[string]string{"description": "Add a Tenant Member"}
	refused := func(e auditlog.Entry) auditlog.Entry { e.Outcome, e.Action = audit.Failure, "admin.fapi"; return e }
	off := admin("patch", "attack-protection/brute-force-protection", "enabled", "false")
	for _, c := range []struct {
		rule     auditlog.Detection
		yes, not []auditlog.Entry
	}{
		{detect.AttackProtectionOff(), []auditlog.Entry{off, admin("patch", "attack-protection/breached-password-detection", "shields", "none")},
			[]auditlog.Entry{admin("patch", "attack-protection/bot-detection", "enabled", "true"), refused(off), admin("get", "attack-protection/x", "enabled", "false")}},
		{detect.MFAWeakened(), []auditlog.Entry{admin("put", "guardian/policies", "policies", "none"), admin("put", "guardian/policies", "policies", "confidence-score"), admin("put", "guardian/factors/otp", "enabled", "false")},
			[]auditlog.Entry{admin("put", "guardian/policies", "policies", "all-applications"), admin("put", "guardian/factors/otp", "enabled", "true")}},
		{detect.ManagementScopeGranted(), []auditlog.Entry{admin("post", "client-grants", "audience", "https://t.eu.auth0.com/api/v2/", "scope", "read:users"), admin("patch", "client-grants/cgr_1", "scope", "update:clients")},
			[]auditlog.Entry{admin("post", "client-grants", "audience", "https://api.example.com", "scope", "read"), admin("delete", "client-grants/cgr_1"), admin("patch", "client-grants/cgr_1", "scope", "none")}},
		{detect.ClientSecretRead(), []auditlog.Entry{read("client_secret"), read("x client_secret")}, []auditlog.Entry{read("signing_keys"), admin("get", "clients")}},
		{detect.TenantMemberAdded(), []auditlog.Entry{admin("post", "tenants/members"), described}, []auditlog.Entry{admin("delete", "tenants/members"), admin("patch", "tenants/settings")}},
		{detect.AllowListEntry(), []auditlog.Entry{admin("patch", "attack-protection/brute-force-protection", "allowlist", "192.0.2.1")},
			[]auditlog.Entry{admin("patch", "attack-protection/brute-force-protection", "allowlist", "none"), off}},
		{detect.RefreshTokenReuse(), []auditlog.Entry{of("token.ferrt", user("auth0|ann"), "", failed)}, []auditlog.Entry{of("token.fertft", user("auth0|ann"), "", failed)}},
	} {
		for _, e := range c.yes {
			n, _ := feed(t, c.rule, time.Second, e)
			assert.Equal(t, 1, n, "%s: %+v", c.rule.Name, e.Metadata)
		}
		n, f := feed(t, c.rule, time.Second, c.not...)
		assert.Zero(t, n, "%s: %+v", c.rule.Name, f)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	ann := user("auth0|ann")
	device := func(e *auditlog.Entry) { e.Metadata = map[string]string{"device": "dev_1"} }
	from := func(ip string) auditlog.Entry { e := admin("patch", "clients"); e.IP = ip; return e }
	push := func(i int) auditlog.Entry {
		if i%2 == 0 {
			return of("message.gd_send_pn", ann, "", func(e *auditlog.Entry) { e.Actor = audit.Ref{} })
		}
		return of("mfa.gd_auth_rejected", ann, "", failed)
	}
	signup := func(i int) auditlog.Entry { return of("signup.ss", user(fmt.Sprint("auth0|", i)), "203.0.113.7", nil) }
	spray := func(i int) auditlog.Entry {
		return of("login.fp", user(fmt.Sprint("auth0|", i)), "203.0.113.7", failed)
	}
	unknown := func(int) auditlog.Entry { return of("login.fu", audit.Ref{}, "203.0.113.7", failed) }
	same := func(int) auditlog.Entry { return of("login.fp", ann, "203.0.113.7", failed) }
	shared := []auditlog.Entry{of("factor.gd_enrollment_complete", ann, "", device), of("mfa.gd_auth_succeed", user("auth0|bob"), "", device)}
	for _, c := range []struct {
		what   string
		rule   auditlog.Detection
		step   time.Duration
		events []auditlog.Entry
		fires  int
		about  audit.Ref
	}{
		{"three refused pushes", detect.PushFatigue(), time.Minute, times(6, push), 1, ann},
		{"two refused pushes", detect.PushFatigue(), time.Minute, times(5, push), 0, audit.Ref{}},
		{"pushes of a day", detect.PushFatigue(), 5 * time.Minute, times(50, push), 0, audit.Ref{}},
		{"an attack of half an hour", detect.PushFatigue(), time.Minute, times(30, push), 3, ann},
		{"a burst of sign-ups", detect.RegistrationBurst(), time.Second, times(60, signup), 1, audit.Ref{Kind: "address", ID: "203.0.113.7"}},
		{"a busy day", detect.RegistrationBurst(), 5 * time.Minute, times(60, signup), 0, audit.Ref{}},
		{"one device on two users", detect.SharedDevice(), time.Hour, shared, 1, audit.Ref{Kind: "device", ID: "dev_1"}},
		{"one device on one user", detect.SharedDevice(), time.Hour, []auditlog.Entry{shared[0], shared[0]}, 0, audit.Ref{}},
		{"a spray", detect.PasswordSpray(), time.Second, times(40, spray), 1, audit.Ref{Kind: "address", ID: "203.0.113.7"}},
		{"a spray on names that are not there", detect.PasswordSpray(), time.Second, times(15, unknown), 1, audit.Ref{Kind: "address", ID: "203.0.113.7"}},
		{"one user who forgot", detect.PasswordSpray(), time.Second, times(40, same), 0, audit.Ref{}},
		{"three networks", detect.ImpossibleAdmin(), time.Minute, []auditlog.Entry{from("203.0.113.7"), from("198.51.100.1"), from("2001:db8::1")}, 1, user("auth0|admin")},
		{"a VPN", detect.ImpossibleAdmin(), time.Minute, []auditlog.Entry{from("203.0.113.7"), from("203.0.9.9"), from("198.51.100.1"), from("")}, 0, audit.Ref{}},
		{"a journey", detect.ImpossibleAdmin(), time.Hour, []auditlog.Entry{from("203.0.113.7"), from("198.51.100.1"), from("192.0.2.1")}, 0, audit.Ref{}},
	} {
		n, f := feed(t, c.rule, c.step, c.events...)
		assert.Equal(t, c.fires, n, c.what)
		assert.Equal(t, c.about, f.Subject, c.what)
	}
}

// What is put together from events of several organizations is none of theirs to see.
func TestFindingsOfOneOrganization(t *testing.T) {
	t.Parallel()
	for want, orgs := range map[string][]string{"org_a": {"org_a"}, "": {"org_b", "org_a"}} {
		_, f := feed(t, detect.PasswordSpray(), time.Second, times(15, func(i int) auditlog.Entry {
			e := of("login.fp", user(fmt.Sprint("auth0|", i)), "203.0.113.7", failed)
			e.Organization = orgs[min(i, len(orgs)-1)]
			return e
		})...)
		assert.Len(t, f.Because, 15)
		assert.Equal(t, want, f.Organization)
	}
}

// Somebody who is forgotten has another pseudonym in each event.
func TestForgottenUserOfOneDevice(t *testing.T) {
	t.Parallel()
	n, _ := feed(t, detect.SharedDevice(), time.Minute, times(3, func(i int) auditlog.Entry {
		e := of("mfa.gd_auth_succeed", user(fmt.Sprint("p_", i)), "", nil)
		e.Metadata, e.Forgotten = map[string]string{"device": "dev_1"}, true
		return e
	})...)
	assert.Zero(t, n)
}

func TestDeviceWithALongName(t *testing.T) {
	t.Parallel()
	_, f := feed(t, detect.SharedDevice(), time.Minute, times(2, func(i int) auditlog.Entry {
		e := of("mfa.gd_auth_succeed", user(fmt.Sprint("auth0|", i)), "", nil)
		e.Metadata = map[string]string{"device": strings.Repeat("ü", 300)}
		return e
	})...)
	assert.Equal(t, strings.Repeat("ü", 127), f.Subject.ID, "what is no UTF-8 would be refused")
}

func TestAll(t *testing.T) {
	t.Parallel()
	all := detect.All()
	assert.Len(t, all, 12)
	for _, d := range all {
		assert.NotEmpty(t, d.Description, d.Name)
		assert.NotEmpty(t, d.Advice, d.Name)
		// Nothing fires at ordinary days.
		n, f := feed(t, d, time.Minute, times(300, func(i int) auditlog.Entry {
			return of([]string{"login.s", "session.create", "token.seacft", "mfa.gd_auth_succeed"}[i%4], user(fmt.Sprint("auth0|", i%50)), "203.0.113.7", nil)
		})...)
		assert.Zero(t, n, "%s: %+v", d.Name, f)
	}
}

func ExampleAll() {
	rule := detect.RefreshTokenReuse().New()
	e := auditlog.Entry{Event: audit.Event{ // as auth0logs records it
		ID: "e1", Type: "token", Action: "token.ferrt", Outcome: audit.Failure, Actor: audit.Ref{Kind: "client", ID: "spa"},
	}}
	for _, f := range rule(e) {
		fmt.Println(f.Subject.ID, f.Because)
	}
	fmt.Println(len(detect.All()), "rules")
	// Output:
	// spa [e1]
	// 12 rules
}
