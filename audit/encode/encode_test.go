package encode_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/encode"
)

// schema is the part of JSON Schema that the files of testdata use.
type schema struct {
	Type                 string            `json:"type"`
	Required             []string          `json:"required"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties *bool             `json:"additionalProperties"`
	Enum                 []float64         `json:"enum"`
	MinLength            int               `json:"minLength"`
}

// check returns what v breaks.
func (s schema) check(at string, v any) (broken []string) {
	say := func(format string, args ...any) { broken = append(broken, at+": "+fmt.Sprintf(format, args...)) }
	switch v := v.(type) {
	case string:
		if s.Type != "string" || len(v) < s.MinLength {
			say("%q for %s", v, s.Type)
		}
	case bool:
		if s.Type != "boolean" {
			say("a boolean for %s", s.Type)
		}
	case float64:
		if s.Type != "integer" || v != math.Trunc(v) || len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			say("%v for %s of %v", v, s.Type, s.Enum)
		}
	case map[string]any:
		if s.Type != "object" {
			say("an object for %s", s.Type)
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				say("%s is missing", name)
			}
		}
		for name, inner := range v {
			if p, ok := s.Properties[name]; ok {
				broken = append(broken, p.check(at+"."+name, inner)...)
			} else if s.AdditionalProperties != nil && !*s.AdditionalProperties {
				say("%s is not in the class", name)
			}
		}
	default:
		say("%T", v)
	}
	return broken
}

func some() []auditlog.Entry {
	at := time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)
	ann, tenant := audit.Ref{Kind: "user", ID: "auth0|ann"}, audit.Ref{Kind: "setting", ID: "guardian"}
	var all []auditlog.Entry
	for i, action := range []string{
		"login.s", "login.fp", "logout.slo", "token.seacft", "mfa.gd_auth_failed", "session.create", "session.revoke", "session.refuse", "signup.ss", "password.scp",
		"factor.gd_enrollment_complete", "guardian.remove", "user.sdu", "admin.sapi", "admin.mgmt_api_read", "audit.query", "unknown.brand_new", "delegate.sdel", "revocation.srrt",
	} {
		kind, _, _ := strings.Cut(action, ".")
		e := audit.Event{ID: fmt.Sprint("e", i), Time: at, LoggedAt: at, Type: kind, Action: action, Outcome: audit.Outcome(i % 3), Actor: ann, Target: ann}
		switch i % 4 {
		case 0:
			e.Actor, e.Target = audit.Ref{}, audit.Ref{}
		case 1:
			e.Target, e.Reason, e.Organization, e.IP, e.UserAgent, e.Correlation, e.Source = tenant, "because", "org_1", "203.0.113.7", "a\r\nb\x1b[31m", "t1", "auth0:t"
			e.Metadata = map[string]string{"method": "patch"}
		case 2:
			e.OnBehalfOf, e.Metadata = audit.Ref{Kind: "agent", ID: "agt_1"}, map[string]string{"method": "get"}
		}
		all = append(all, auditlog.Entry{Event: e, Sealed: i%2 == 0, Index: uint64(i)})
	}
	return all
}

// OCSF events are of the published classes: the schemas are ours, from these.
func TestOCSF(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, e := range some() {
		text, err := encode.Event(auditlog.OCSF, e)
		require.NoError(t, err)
		var got map[string]any
		require.NoError(t, json.Unmarshal(text, &got))
		class := fmt.Sprint(got["class_uid"])
		seen[class]++
		raw, err := os.ReadFile("testdata/ocsf-" + class + ".json")
		require.NoError(t, err, e.Action)
		var s schema
		require.NoError(t, json.Unmarshal(raw, &s))
		assert.Empty(t, s.check("", got), e.Action)
		assert.EqualValues(t, got["class_uid"].(float64)*100+got["activity_id"].(float64), got["type_uid"])
	}
	assert.Len(t, seen, 3)
}

func TestECS(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{"authentication": {"start", "end", "info"}, "iam": {"creation", "change", "deletion"}, "configuration": {"access", "change"}}
	for _, e := range some() {
		text, err := encode.Event(auditlog.ECS, e)
		require.NoError(t, err)
		var got struct {
			Timestamp time.Time `json:"@timestamp"`
			ECS       struct{ Version string }
			Event     struct {
				ID, Kind, Action, Outcome string
				Category, Type            []string
			}
		}
		require.NoError(t, json.Unmarshal(text, &got))
		assert.Equal(t, e.Time, got.Timestamp)
		assert.Equal(t, []string{e.ID, "event", e.Action, e.Outcome.String()}, []string{got.Event.ID, got.Event.Kind, got.Event.Action, got.Event.Outcome})
		assert.Contains(t, allowed[got.Event.Category[0]], got.Event.Type[0])
	}
}

// What users sent cannot make a second line or move a terminal's cursor (ASVS 16.4.1).
func TestOneLine(t *testing.T) {
	t.Parallel()
	for _, f := range []auditlog.Format{auditlog.JSON, auditlog.OCSF, auditlog.ECS} {
		for _, e := range some() {
			text, err := encode.Event(f, e)
			require.NoError(t, err)
			assert.False(t, bytes.ContainsAny(text, "\r\n\x1b"), f)
		}
	}
	_, err := encode.Event("cef", some()[0])
	require.Error(t, err)
	require.Error(t, encode.Check("cef"))
}

func ExampleEvent() {
	e := auditlog.Entry{Event: audit.Event{
		ID: "e1", Time: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Type: "login", Action: "login.fp", Outcome: audit.Failure, Reason: "wrong_password",
		Target: audit.Ref{Kind: "user", ID: "auth0|ann"}, IP: "203.0.113.7",
	}}
	text, err := encode.Event(auditlog.ECS, e)
	fmt.Println(string(text), err)
	// Output:
	// {"@timestamp":"2026-11-24T12:00:00Z","ecs":{"version":"8.11.0"},"event":{"action":"login.fp","category":["authentication"],"id":"e1","kind":"event","outcome":"failure","reason":"wrong_password","type":["start"]},"source":{"ip":"203.0.113.7"},"user":{"id":"auth0|ann"}} <nil>
}
