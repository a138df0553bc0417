package state

import (
	"testing"
)

func TestFactorStore(test *testing.T) {
	test.Parallel()
	t, id := New(Options{}), "auth0|ada"
	now := t.Lock()
	defer t.Unlock()
	s := &t.Auth.Factors
	e := s.Add(&Enrollment{UserID: id, Kind: "totp", Confirmed: true}, now)
	s.NewRecovery(id, now)
	if s.byID(e.ID) != e || s.get(id, e.ID) != e || s.get("auth0|other", e.ID) != nil || s.byID("totp|dev_x") != nil {
		test.Error("an enrollment is not found by its id, or where it is not")
	}
	s.Browsers["a"], s.Browsers["b"] = RememberedBrowser{id, now}, RememberedBrowser{"auth0|other", now}
	if s.ForgetBrowsers(id); len(s.Browsers) != 1 {
		test.Errorf("browsers %v", s.Browsers)
	}
	if n := s.Remove(id, func(x *Enrollment) bool { return x == e }); n != 1 || len(s.ByUser[id]) != 0 {
		test.Error("the recovery code outlives the last factor")
	}
}
