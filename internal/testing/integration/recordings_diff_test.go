package integration

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// differ compares a recorded body with the tenant's and learns which recorded id
// stands for which.
type differ struct {
	area  string
	ids   map[string]string
	found []string
}

// laterKeys are keys that Auth0 added over the years of the recordings: some
// recordings of an operation have them, others do not. They may be on either
// side.
var laterKeys = []string{
	"third_party_client_access", "is_app_entitlement_active", "cross_origin_authentication", "cross_origin_auth", "subject_type",
	"authentication", "connected_accounts", "use_for_organization_discovery", "type", "signing_keys", "client_secret",
	"authentication_methods", "passkey_options", "organization_usage", "allow_any_organization", "expires_at",
	"async_approval_notification_channels", "api_behavior", "signup_behavior", "email_otp", "phone_otp",
}

// areaKeys are laterKeys and tenantsOwn of single areas. What is learned are ids
// that stand in paths.
var areaKeys = map[string]struct{ later, own, learn []string }{
	"branding":       {later: []string{"identifiers"}, own: []string{"tenant"}},
	"custom-domains": {later: []string{"is_default", "created_at", "certificate", "primary"}, own: []string{"record"}},
	"prompts":        {own: []string{"tenant"}},
	"keys":           {learn: []string{"kid"}},
	"tenants":        {later: []string{"resource_parameter_profile", "client_id_metadata_document_supported"}, own: []string{"universal_login"}},
}

// setKeys are arrays whose order says nothing, and which Auth0 orders differently
// from answer to answer.
var setKeys = []string{"shields"}

// tenantsOwn are keys whose values belong to the recorded tenant, not to what
// the test did: its other clients, its settings of the default connection.
var tenantsOwn = []string{"enabled_clients", "cert", "pem", "kid", "provisioning_ticket_url", "verification_txt", "thumbprint_sha256"}

func (d *differ) add(path, format string, args ...any) {
	d.found = append(d.found, path+": "+fmt.Sprintf(format, args...))
}

func (d *differ) compare(want, got any, path string) {
	if want == "[REDACTED]" || want == "[ROTATED-REDACTED]" {
		return
	}
	switch w := want.(type) {
	case map[string]any:
		if g, is := got.(map[string]any); is {
			d.compareObjects(w, g, path)
			return
		}
	case []any:
		if g, is := got.([]any); is {
			d.compareArrays(w, g, path)
			return
		}
	case string:
		if g, is := got.(string); is {
			d.compareStrings(w, g, path)
			return
		}
	}
	if !reflect.DeepEqual(want, got) {
		d.add(path, "%v, recorded %v", got, want)
	}
}

func (d *differ) compareObjects(want, got map[string]any, path string) {
	if want["name"] == "Username-Password-Authentication" && want["strategy"] == "auth0" {
		d.learn(want, got)
		return // The settings of the recorded tenant's own connection.
	}
	keys := slices.Sorted(maps.Keys(want))
	for k := range got {
		if _, has := want[k]; !has {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		w, inWant := want[k]
		g, inGot := got[k]
		area := areaKeys[d.area]
		if slices.Contains(area.learn, k) {
			d.compareIDs(w, g)
		}
		switch {
		case slices.Contains(tenantsOwn, k) || slices.Contains(area.own, k):
		case inWant && inGot && slices.Contains(setKeys, k):
			d.compare(ordered(w), ordered(g), path+"."+k)
		case inWant && inGot:
			d.compare(w, g, path+"."+k)
		case slices.Contains(laterKeys, k) || slices.Contains(area.later, k):
		case inGot:
			d.add(path+"."+k, "not in the recording")
		default:
			d.add(path+"."+k, "missing")
		}
	}
}

// learn takes the id of an object over.
func (d *differ) learn(want, got map[string]any) {
	w, _ := want["id"].(string)
	g, _ := got["id"].(string)
	if w != "" && g != "" {
		d.ids[w] = g
	}
}

// compareIDs takes an id over that is not compared.
func (d *differ) compareIDs(want, got any) {
	w, _ := want.(string)
	g, _ := got.(string)
	if w != "" && g != "" {
		d.ids[w] = g
	}
}

func (d *differ) compareArrays(want, got []any, path string) {
	if len(want) != len(got) {
		d.add(path, "%d items, recorded %d", len(got), len(want))
		return
	}
	for i := range want {
		d.compare(want[i], got[i], fmt.Sprintf("%s[%d]", path, i))
	}
}

// idShape finds values that are made at random: ids, tickets, cursors, hashes.
var idShape = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`[\w-]+\|[0-9a-f]{24}`,                        // users
	`[0-9a-f]{24}`,                                // raw user ids and APIs
	`[a-z]+_[A-Za-z0-9]{16,22}`,                   // con_, org_, rol_, job_, cred_, …
	`(?:\w+\|)?dev_[A-Za-z0-9]{16}`,               // authentication methods
	`[A-Za-z0-9_-]{32}`,                           // clients, tickets
	`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`, // UUIDs
	`MjA[A-Za-z0-9+/_-]{30,}=*`,                   // cursors that begin with a year
	`b3Jk[A-Za-z0-9+/_-]{20,}`,                    // cursors that are an id
	`[A-Z0-9]{24}`,                                // recovery codes
	`01[0-9A-Z]{24}`,                              // hooks
	`chuck\d*@example\.com`,                       // the tests' random users
}, "|") + `)$`)

// embeddedUUID is a random part of a name.
var embeddedUUID = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

var ticketURL = regexp.MustCompile(`([?&](?:ticket|invitation)=)[A-Za-z0-9]+`)

func (d *differ) compareStrings(want, got, path string) {
	if want == got {
		return
	}
	if idShape.MatchString(want) && idShape.MatchString(got) {
		d.ids[want] = got
		return
	}
	if isTime(want) && isTime(got) || strings.Contains(want, "gravatar.com/avatar/") && strings.Contains(got, "gravatar.com/avatar/") {
		return
	}
	if d.plain(want) != d.plain(got) {
		d.add(path, "%q, recorded %q", got, want)
	}
}

// ordered sorts an array of strings.
func ordered(v any) any {
	list, _ := v.([]any)
	return slices.SortedFunc(slices.Values(list), func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// plain takes hosts, tickets and known ids out of a text.
func (d *differ) plain(s string) string {
	s = ticketURL.ReplaceAllString(s, "$1*")
	s = embeddedUUID.ReplaceAllString(s, "*")
	for _, host := range []string{".us.auth0.com", ".eu.auth0.com"} {
		s = strings.ReplaceAll(s, recordedHost+host, recordedHost)
	}
	for recorded, actual := range d.ids {
		s = strings.ReplaceAll(s, recorded, actual)
	}
	return s
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}
