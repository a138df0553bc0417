package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// wireVersion is the version of what the Action and the Handler say to each other.
const wireVersion = 1

// wireRequest is what the Action sends.
type wireRequest struct {
	Version int       `json:"v"`
	Trigger Trigger   `json:"trigger"`
	Sends   []string  `json:"sends"` // Of the fields that steps need.
	Event   wireEvent `json:"event"`
}

// wireEvent is a part of Auth0's event, which shim.js picks.
type wireEvent struct {
	Tenant       wireRef `json:"tenant"`
	User         wireUser
	Client       wireRef
	Connection   wireRef
	Organization wireRef
	Session      wireRef
	Actor        wireRef
	Request      struct {
		IP        string          `json:"ip"`
		UserAgent string          `json:"user_agent"`
		Hostname  string          `json:"hostname"`
		Language  string          `json:"language"`
		ASN       json.RawMessage `json:"asn"`
		Geo       struct {
			Country string `json:"country_code"`
		} `json:"geoip"`
	}
	Authentication struct {
		Methods []struct {
			Name string `json:"name"`
			Type string `json:"type"`
			Time string `json:"timestamp"`
		}
	}
	Authorization struct{ Roles []string }
	API           struct {
		Identifier string `json:"identifier"`
	} `json:"resource_server"`
	Stats struct {
		Logins int `json:"logins_count"`
	}
	Transaction struct {
		Protocol    string `json:"protocol"`
		Prompt      words  `json:"prompt"`
		Scopes      words  `json:"requested_scopes"`
		Correlation string `json:"correlation_id"`
	}
}

type wireUser struct {
	ID            string         `json:"user_id"`
	Email         string         `json:"email"`
	EmailVerified any            `json:"email_verified"`
	Username      string         `json:"username"`
	Phone         string         `json:"phone_number"`
	Name          string         `json:"name"`
	AppMetadata   map[string]any `json:"app_metadata"`
	UserMetadata  map[string]any `json:"user_metadata"`
	CreatedAt     string         `json:"created_at"`
}

type wireRef struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`
	Metadata map[string]any `json:"metadata"`
}

// words is a list, or a text with spaces between. What is no text in the list is an
// empty one. An error would end the reading: a parameter of a URL could hide what
// stands behind it.
type words []string

func (w *words) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*w = strings.Fields(text)
		return nil
	}
	var list []any
	_ = json.Unmarshal(data, &list) // Another type is unknown.
	*w = nil
	for _, v := range list {
		text, _ := v.(string)
		*w = append(*w, text)
	}
	return nil
}

// readEvent reads the body of a request. A field of another type than Auth0 documents
// is unknown, like one that is not there.
func readEvent(body []byte, id string, at time.Time) (*Event, error) {
	var in wireRequest
	err := json.Unmarshal(body, &in)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other { // It goes on behind another type.
		return nil, errors.New("actions: the body is not the JSON of an event") // The error would quote it.
	}
	if in.Version != wireVersion || !in.Trigger.known() {
		return nil, fmt.Errorf("actions: version %d or trigger %q is not known", in.Version, in.Trigger)
	}
	w := &in.Event
	if in.Trigger == PostLogin && w.User.ID == "" {
		return nil, errors.New("actions: a login without a user")
	}
	e := &Event{
		ID: id, Trigger: in.Trigger, Time: at, Tenant: w.Tenant.ID, Audience: w.API.Identifier, SessionID: w.Session.ID,
		User: User{
			ID: w.User.ID, Email: w.User.Email, Username: w.User.Username, Phone: w.User.Phone,
			Name: w.User.Name, AppMetadata: w.User.AppMetadata, UserMetadata: w.User.UserMetadata, CreatedAt: stamp(w.User.CreatedAt),
		},
		Client: Ref(w.Client), Connection: Ref(w.Connection), Organization: Ref(w.Organization), Actor: Ref(w.Actor),
		Request: Request{
			IP: w.Request.IP, UserAgent: w.Request.UserAgent, Hostname: w.Request.Hostname, Language: w.Request.Language,
			Country: w.Request.Geo.Country, ASN: strings.Trim(strings.TrimPrefix(string(w.Request.ASN), "null"), `"`),
		},
		Scopes: w.Transaction.Scopes, Roles: w.Authorization.Roles, LoginsCount: w.Stats.Logins,
		Transaction: Transaction{Protocol: w.Transaction.Protocol, Prompt: w.Transaction.Prompt, Correlation: w.Transaction.Correlation},
		Sent:        append([]string{}, in.Sends...), // Not nil.
	}
	if verified, known := w.User.EmailVerified.(bool); known {
		e.User.EmailVerified = &verified
	}
	for _, m := range w.Authentication.Methods {
		e.Methods = append(e.Methods, Method{Name: m.Name, Type: m.Type, Time: stamp(m.Time)})
	}
	return e, nil
}

// stamp reads a time; text that is not a time is unknown.
func stamp(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// command is an operation of the answer.
type command struct {
	Op    string `json:"op"`
	Name  string `json:"name,omitempty"`
	Value any    `json:"value,omitempty"`
}

// writeResult returns the body of the answer: metadata first and deny last, since a
// denial ends the Action.
func writeResult(r *Result) ([]byte, error) {
	list := []command{}
	named := func(op string, values map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			list = append(list, command{op, name, values[name]})
		}
	}
	named("appMetadata", r.AppMetadata)
	named("userMetadata", r.UserMetadata)
	if r.Denied == "" {
		for _, s := range r.AddScopes {
			list = append(list, command{Op: "scope.add", Name: s})
		}
		for _, s := range r.RemoveScopes {
			list = append(list, command{Op: "scope.remove", Name: s})
		}
		named("idToken.claim", r.IDToken)
		named("accessToken.claim", r.AccessToken)
		if r.MFA {
			list = append(list, command{Op: "mfa"})
		}
	} else {
		list = append(list, command{Op: "deny", Name: r.Denied})
	}
	return json.Marshal(struct {
		Version  int       `json:"v"`
		Commands []command `json:"commands"`
	}{wireVersion, list})
}
