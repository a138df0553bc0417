package risk_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

type factor struct {
	name   string
	odds   float64
	detail string
	err    error
}

func (f factor) Name() string { return f.name }
func (f factor) Assess(context.Context, risk.Login) (float64, string, error) {
	return f.odds, f.detail, f.err
}

func TestCustomFactors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{Factors: []risk.Factor{
		factor{"much", 1000, "told", nil}, factor{"little", -1000, "", nil}, factor{"broken", 1, "", errors.New("x")},
	}})
	d := w.evaluate(t, home(w.now))
	if odds(d, "much") != risk.MaxFactor || odds(d, "little") != -risk.MaxFactor || !slices.Equal(d.Missing, []string{"broken"}) {
		t.Errorf("%s", d.Explain())
	}
	for _, f := range [][]risk.Factor{{nil}, {factor{}}, {factor{name: "new_device"}}, {factor{name: "a"}, factor{name: "a"}}} {
		if _, err := risk.New(w.detector, risk.Config{Factors: f}); err == nil {
			t.Errorf("%v was accepted", f)
		}
	}
}

func TestStuffingFromOneAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for i := range 40 {
		l := theft(w.now.Add(time.Duration(i) * time.Second))
		l.UserID, l.Email, l.DeviceID, l.UserAgent = fmt.Sprint("guess ", i), "", "", ""
		if err := w.Failed(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	l := home(w.now.Add(time.Minute))
	if got := odds(w.evaluate(t, l), "suspicious_activity"); got != 0 {
		t.Errorf("another address: %v", got)
	}
	l.IP = netip.MustParseAddr("177.1.1.1")
	d := w.evaluate(t, l)
	if got := odds(d, "suspicious_activity"); got < 2 || !strings.Contains(d.Explain(), "users failing from the address") {
		t.Errorf("%s", d.Explain())
	}
	l.Time = l.Time.Add(3 * time.Hour)
	if got := odds(w.evaluate(t, l), "suspicious_activity"); got != 0 {
		t.Errorf("three hours later: %v", got)
	}
}

// TestNobodyLocksAUserOut: wrong passwords of others add little to a login that
// is as always.
func TestNobodyLocksAUserOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for i := range 1000 {
		l := theft(w.now.Add(time.Duration(i) * time.Second))
		if err := w.Failed(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	d := w.evaluate(t, home(w.now.Add(20*time.Minute)))
	if got := odds(d, "suspicious_activity"); got <= 0 || d.Action != risk.Allow {
		t.Errorf("%s", d.Explain())
	}
}

func TestVelocity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for i := range 100 {
		l := theft(w.now)
		l.UserID = fmt.Sprint("user ", i)
		w.evaluate(t, l)
	}
	if got := odds(w.evaluate(t, theft(w.now)), "suspicious_activity"); got <= 0 {
		t.Error("a hundred users from one address add nothing")
	}
}

func TestAuth0(t *testing.T) {
	t.Parallel()
	in := `{"confidence":"low","version":"1","assessments":{
		"NewDevice":{"confidence":"low","code":"no_match","details":{"device":"unknown"}},
		"ImpossibleTravel":{"confidence":"low","code":"assessment_not_available"},
		"UntrustedIP":{"confidence":"high","code":"not_found_on_deny_list"}}}`
	got, err := risk.ParseAuth0([]byte(in))
	if err != nil || len(got) != 2 || got["NewDevice"] != "low" || got["UntrustedIP"] != "high" {
		t.Fatalf("%v, %v", got, err)
	}
	w := newWorld(t, risk.Config{})
	l := home(w.now)
	l.Auth0 = got
	if d := w.evaluate(t, l); odds(d, "auth0") != 0.8 {
		t.Errorf("%s", d.Explain())
	}
	l.Auth0 = map[string]string{"A": "low", "B": "low", "C": "low", "D": "LOW"}
	if d := w.evaluate(t, l); odds(d, "auth0") != 1.5 {
		t.Errorf("%s", d.Explain())
	}
	for _, none := range []string{"null", "{}"} {
		if got, err := risk.ParseAuth0([]byte(none)); err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", none, got, err)
		}
	}
	if _, err := risk.ParseAuth0([]byte("<html>")); err == nil {
		t.Error("HTML was accepted")
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	prefixes := func(list ...string) (out []netip.Prefix) {
		for _, p := range list {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	f, err := risk.Networks("tor", 1, prefixes("10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32", "192.0.2.8/31", "::/128"))
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]float64{
		"10.0.0.0": 1, "10.255.255.255": 1, "10.1.2.3": 1, "9.255.255.255": 0, "11.0.0.0": 0, "192.0.2.7": 1, "192.0.2.6": 0,
		"192.0.2.9": 1, "192.0.2.10": 0, "2001:db8:ffff::1": 1, "2001:db9::": 0, "::ffff:10.2.3.4": 1, "::": 1, "::1": 0, "255.255.255.255": 0,
	} {
		got, _, err := f.Assess(t.Context(), risk.Login{Attempt: anomaly.Attempt{IP: netip.MustParseAddr(ip)}})
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", ip, got, err, want)
		}
	}
	if got, _, err := f.Assess(t.Context(), risk.Login{}); err != nil || got != 0 {
		t.Errorf("no address: %v, %v", got, err)
	}
	if _, err := risk.Networks("tor", 2, nil); err == nil {
		t.Error("log-odds of 2 were accepted")
	}
	if _, err := risk.Networks("tor", 1, []netip.Prefix{{}}); err == nil {
		t.Error("an invalid prefix was accepted")
	}
}
