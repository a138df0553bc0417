package state

import (
	"net/http"
	"strings"
	"testing"
)

func TestApplicationsChooseTheLogoutsTheyHearOf(test *testing.T) {
	test.Parallel()
	doc := func(initiators any) map[string]any {
		d := map[string]any{"backchannel_logout_urls": []any{"https://app.example.com/bye"}}
		if initiators != nil {
			d["backchannel_logout_initiators"] = initiators
		}
		return d
	}
	for name, c := range map[string]struct {
		doc  map[string]any
		want string
	}{
		"all":      {doc(map[string]any{"mode": "all"}), "rp-logout password-changed session-expired"},
		"standard": {doc(map[string]any{"mode": "custom"}), "rp-logout"},
		"selected": {doc(map[string]any{"mode": "custom", "selected_initiators": []any{"password-changed"}}), "rp-logout password-changed"},
		"no URL":   {map[string]any{}, ""},
	} {
		var a App
		a.readLogout(c.doc)
		var got []string
		for _, i := range []string{"rp-logout", "password-changed", "session-expired"} {
			if a.wants(i) {
				got = append(got, i)
			}
		}
		if strings.Join(got, " ") != c.want {
			test.Errorf("%s: hears of %v", name, got)
		}
	}
}

// refusing is an application that answers 404.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
}

func TestFailedLogoutDeliveryIsLogged(test *testing.T) {
	test.Parallel()
	t := New(Options{Outgoing: refusing{}})
	t.deliverLogout("https://app.example.com/bye", nil, LogFields{})
	t.deliverLogout("::", nil, LogFields{})
	var codes []string
	for _, e := range t.Auth.Logs.Entries {
		codes = append(codes, e.Code)
	}
	if got := strings.Join(codes, " "); got != "oidc_backchannel_logout_failed oidc_backchannel_logout_failed" {
		test.Errorf("logged %s", got)
	}
}
