package auth0logs

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
)

// entry is an entry of the log, whose fields have no fixed types.
type entry map[string]any

func (e entry) at(path ...string) any {
	var v any = map[string]any(e)
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// text returns a field that is a text, cut to what an event may have.
func (e entry) text(limit int, path ...string) string {
	s, _ := e.at(path...).(string)
	return clean(s, limit)
}

func clean(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
		for len(s) > 0 && !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) && !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// eventOf makes the event of an entry. It succeeds for every entry: what cannot be kept
// is cut or left out, and an entry without an id is known by its text.
func eventOf(tenant string, logged resource.LogEntry, now time.Time) audit.Event {
	if logged.ID == "" {
		sum := sha256.Sum256(logged.Raw)
		logged.ID = "text:" + hex.EncodeToString(sum[:])
	}
	var e entry
	if json.Unmarshal(logged.Raw, &e) != nil || e == nil {
		e = entry{}
	}
	code := Lookup(logged.Type)
	out := audit.Event{
		ID: eventID(tenant, logged.ID), Time: timeOf(logged, now), Type: code.Class, Action: code.Class + "." + name(logged.Type),
		Outcome: code.Outcome, Reason: code.Reason, Source: clean("auth0:"+tenant, audit.MaxID), Organization: e.text(audit.MaxID, "organization_id"),
		IP: address(e), UserAgent: e.text(audit.MaxValue, "user_agent"),
	}
	out.Correlation = cmp.Or(e.text(audit.MaxID, "details", "transaction_id"), e.text(audit.MaxID, "transaction_linking_id"), e.text(audit.MaxID, "details", "session_id"))
	who(e, code, &out)
	out.Metadata = metadata(e, code)
	out.Personal = personal(e, &out)
	return out
}

// eventID is the idempotency key: one entry is one event, whichever way it came.
func eventID(tenant, id string) string {
	full := "auth0:" + tenant + ":" + id
	if short := clean(full, audit.MaxID); short == full {
		return full
	}
	sum := sha256.Sum256([]byte(id))
	return "auth0:" + tenant + ":" + hex.EncodeToString(sum[:])
}

func timeOf(logged resource.LogEntry, now time.Time) time.Time {
	t := logged.Time
	if t.Year() < 1970 || t.Year() > 9999 {
		t, _ = idTime(logged.ID)
	}
	if t.Year() < 1970 || t.Year() > 9999 {
		t = now
	}
	return t
}

// name is a code as part of an action.
func name(code string) string {
	s := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(code))
	return cmp.Or(s[:min(len(s), audit.MaxName)], "none")
}

func address(e entry) string {
	for _, field := range []string{"ip", "client_ip"} {
		if a, err := netip.ParseAddr(e.text(64, field)); err == nil {
			return a.WithZone("").String()
		}
	}
	return ""
}

func ref(kind, id string) audit.Ref {
	if id == "" {
		return audit.Ref{}
	}
	return audit.Ref{Kind: kind, ID: id}
}

// who sets Actor, OnBehalfOf and Target.
func who(e entry, code Code, out *audit.Event) {
	user, client := ref("user", e.text(audit.MaxID, "user_id")), ref("client", e.text(audit.MaxID, "client_id"))
	delegate := cmp.Or(ref("user", e.text(audit.MaxID, "details", "actor", "sub")), ref("agent", e.text(audit.MaxID, "agent_id")), ref("agent", e.text(audit.MaxID, "external_agent_id")))
	out.Target = user
	switch code.Actor {
	case ByUser:
		out.Actor = user
	case ByClient:
		out.Actor, out.Target = client, cmp.Or(user, client)
	case ByAdmin:
		out.Actor = cmp.Or(ref("user", e.text(audit.MaxID, "details", "request", "auth", "user", "user_id")), client, user)
		if code.Class == "admin" {
			out.Target = apiTarget(e, user, code.Code)
		}
	case ByDelegate:
		out.Actor, delegate = user, cmp.Or(delegate, client)
	case ByAnyone, BySystem:
	}
	if delegate != user {
		out.OnBehalfOf = delegate
	}
}

// kinds are the references of resources by their place in a path of the API.
var kinds = map[string]string{
	"users": "user", "clients": "client", "organizations": "organization", "connections": "connection", "roles": "role",
	"actions": "action", "resource-servers": "api", "client-grants": "grant", "log-streams": "stream", "sessions": "session",
}

// apiTarget is what a call of the Management API is about.
func apiTarget(e entry, user audit.Ref, code string) audit.Ref {
	first, rest, _ := strings.Cut(apiPath(e), "/")
	id, _, _ := strings.Cut(rest, "/")
	if kind := kinds[first]; kind != "" && id != "" {
		if plain, err := url.PathUnescape(id); err == nil {
			id = plain
		}
		return ref(kind, clean(id, audit.MaxID))
	}
	if first != "" {
		return ref("setting", clean(first, audit.MaxID))
	}
	if code == "organization_member_added" {
		return cmp.Or(user, ref("organization", e.text(audit.MaxID, "organization_id")))
	}
	return user
}

// apiPath is the path of a call of the Management API, without a query, which may have an
// email address.
func apiPath(e entry) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(e.text(audit.MaxValue, "details", "request", "path"), "/api/v2/"), "?")
	return path
}

// personal is what describes the user. It is sealed under the key of the target: the name
// of somebody else would stay when they are forgotten.
func personal(e entry, out *audit.Event) map[string]string {
	var fields []string
	switch {
	case out.Target.Kind == "user" && out.Target.ID == e.text(audit.MaxID, "user_id"):
		fields = []string{"user_name", "description"}
	case out.Type == "admin" && !out.Target.IsZero():
		fields = []string{"description"} // the name of an operation
	}
	return texts(e, fields)
}

func texts(e entry, fields []string) map[string]string {
	out := make(map[string]string)
	for _, field := range fields {
		if v := e.text(audit.MaxValue, field); v != "" {
			out[field] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func metadata(e entry, code Code) map[string]string {
	out := make(map[string]string)
	put := func(key, value string) {
		if value != "" {
			out[key] = value
		}
	}
	for _, field := range []string{"client_id", "connection", "strategy", "hostname", "audience", "scope"} {
		put(field, e.text(audit.MaxValue, field))
	}
	if code.Class == "admin" {
		put("method", strings.ToLower(e.text(audit.MaxName, "details", "request", "method")))
		setting(e, put)
		if secrets, ok := e.at("details", "accessedSecrets").([]any); ok && len(secrets) > 0 {
			put("secrets", list(secrets))
		}
	}
	device := cmp.Or(e.text(audit.MaxValue, "details", "device_id"), e.text(audit.MaxValue, "details", "authenticator", "id"), e.text(audit.MaxValue, "details", "enrollment", "identifier"))
	if !strings.ContainsAny(device, "+@") { // a telephone number or an email address
		put("device", device)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// settings are the parts of the API whose requests have no personal data, with the
// fields that say whether something was weakened.
var settings = map[string][]string{
	"attack-protection": {"enabled", "shields", "allowlist", "mode"},
	"guardian":          {"enabled", "policies"},
	"client-grants":     {"client_id", "audience", "scope"},
	"network-acls":      {"active"},
	"tenants":           {"enabled_locales"},
}

// setting puts which setting was changed, and to what.
func setting(e entry, put func(key, value string)) {
	path := apiPath(e)
	first, _, _ := strings.Cut(path, "/")
	fields, ok := settings[first]
	if !ok {
		put("resource", clean(first, audit.MaxName))
		return
	}
	put("resource", path)
	body := e.at("details", "request", "body")
	for _, field := range fields {
		m, isMap := body.(map[string]any)
		if !isMap {
			break
		}
		switch v := m[field].(type) {
		case bool:
			put(field, map[bool]string{true: "true", false: "false"}[v])
		case string:
			put(field, clean(v, audit.MaxValue))
		case []any:
			put(field, cmp.Or(list(v), "none"))
		}
	}
	if all, isList := body.([]any); isList && first == "guardian" { // the policies themselves
		put("policies", cmp.Or(list(all), "none"))
	}
}

func list(all []any) string {
	var texts []string
	for _, v := range all {
		if s, ok := v.(string); ok {
			texts = append(texts, s)
		}
	}
	return clean(strings.Join(texts, " "), audit.MaxValue)
}

// idTime returns the time in an id, "900", yyyymmddhhmmss and a number.
func idTime(id string) (time.Time, bool) {
	if len(id) < 17 || id[:3] != "900" {
		return time.Time{}, false
	}
	t, err := time.Parse("20060102150405", id[3:17])
	return t, err == nil
}
