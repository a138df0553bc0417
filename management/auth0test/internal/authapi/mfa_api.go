package authapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// serveAssociate begins the enrollment of a factor. Its first use confirms it.
func serveAssociate(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	body, bad := associate(t, w, r)
	if bad != nil {
		bad.Send(w)
		return
	}
	web.NoStore(w)
	web.SendJSON(w, http.StatusOK, body)
}

func associate(t *state.Tenant, w http.ResponseWriter, r *http.Request) (map[string]any, *OAuthError) {
	q, bad := ReadAuth(w, r)
	if bad != nil {
		return nil, bad
	}
	now := t.Lock()
	defer t.Unlock()
	c, bad := readMFACaller(t, r, "enroll", now)
	if bad != nil {
		return nil, bad
	}
	if c.login != nil && t.Auth.Factors.Enrolled(c.userID) {
		return nil, AccessDenied("User is already enrolled.")
	}
	e, bad := wantedFactor(t, q, c.userID)
	if bad != nil {
		return nil, bad
	}
	s := &t.Auth.Factors
	s.Add(e, now)
	f := q.logFields()
	f.UserID = c.userID
	t.Log("gd_start_enroll", f)
	body, bad := associated(t, e, q, f, now)
	if bad != nil {
		return nil, bad
	}
	if s.Enabled["recovery-code"] && s.Recovery(c.userID) == nil {
		body["recovery_codes"] = []string{s.NewRecovery(c.userID, now).Secret}
	}
	return body, nil
}

// wantedFactor is the first factor that was asked for and that the tenant has.
func wantedFactor(t *state.Tenant, q *Request, userID string) (*state.Enrollment, *OAuthError) {
	types, channels := q.list("authenticator_types"), q.list("oob_channels")
	if len(types) == 0 {
		return nil, MissingParameter("authenticator_types")
	}
	on := t.Auth.Factors.Enabled
	if slices.Contains(types, "otp") && on["otp"] {
		return &state.Enrollment{UserID: userID, Kind: "totp", Secret: keys.NewTOTPSecret()}, nil
	}
	if slices.Contains(types, "oob") && len(channels) == 0 {
		return nil, MissingParameter("oob_channels")
	}
	for _, ch := range channels {
		e := &state.Enrollment{UserID: userID, Kind: ch}
		switch ch {
		case "sms", "voice":
			if e.Phone = q.Get("phone_number"); e.Phone == "" {
				return nil, MissingParameter("phone_number")
			}
		case "auth0":
			e.Kind = "push"
		case "email":
			e.Email = q.Get("email")
			if u := t.Users.Get(userID); e.Email == "" && u != nil {
				e.Email = u.Email
			}
		default:
			return nil, InvalidRequest("Unsupported oob_channel: " + ch)
		}
		if slices.Contains(types, "oob") && on[e.Factor()] {
			return e, nil
		}
	}
	return nil, AccessDenied("None of the requested authenticators is enabled for the tenant.")
}

// associated is the answer for a factor that waits to be confirmed.
func associated(t *state.Tenant, e *state.Enrollment, q *Request, f state.LogFields, now time.Time) (map[string]any, *OAuthError) {
	account := e.UserID
	if u := t.Users.Get(e.UserID); u != nil {
		account = u.ShownName()
	}
	if e.Kind == "totp" {
		return map[string]any{"authenticator_type": "otp", "secret": e.Secret, "barcode_uri": keys.TOTPURI(q.Host, account, e.Secret)}, nil
	}
	c, bad := ChallengeOOB(t, e, f, now)
	if bad != nil {
		return nil, bad
	}
	body := map[string]any{"authenticator_type": "oob", "oob_channel": e.Channel(), "oob_code": c.oobCode}
	if e.Kind == "push" {
		body["barcode_uri"] = "otpauth://totp/" + url.PathEscape(q.Host) + ":" + url.QueryEscape(account) +
			"?enrollment_tx_id=" + store.RandomID(32) + "&base_url=" + url.QueryEscape(strings.TrimSuffix(q.Issuer, "/"))
	} else {
		body["binding_method"] = "prompt"
	}
	return body, nil
}

// serveChallenge challenges a user for a factor that was enrolled before.
func serveChallenge(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	body, bad := challenge(t, w, r)
	if bad != nil {
		bad.Send(w)
		return
	}
	web.NoStore(w)
	web.SendJSON(w, http.StatusOK, body)
}

func challenge(t *state.Tenant, w http.ResponseWriter, r *http.Request) (map[string]any, *OAuthError) {
	q, bad := ReadAuth(w, r)
	if bad != nil {
		return nil, bad
	}
	if bad := q.Need("mfa_token"); bad != nil {
		return nil, bad
	}
	app, bad := AuthenticateApp(t, q)
	if bad != nil {
		return nil, bad
	}
	now := t.Lock()
	defer t.Unlock()
	x, bad := mfaLogin(t, q.Get("mfa_token"), app.ID, now)
	if bad != nil {
		return nil, bad
	}
	e, bad := chosenFactor(t, x.login.User.ID, q.Get("authenticator_id"), strings.Fields(q.Get("challenge_type")), q.Get("oob_channel"))
	if bad != nil {
		return nil, bad
	}
	f := x.login.Issuance.LogFields(q.Origin)
	t.Log("gd_start_auth", f)
	if e.Kind == "totp" {
		return map[string]any{"challenge_type": "otp"}, nil
	}
	c, bad := ChallengeOOB(t, e, f, now)
	if bad != nil {
		return nil, bad
	}
	body := map[string]any{"challenge_type": "oob", "oob_code": c.oobCode}
	if c.code != "" {
		body["binding_method"] = "prompt"
	}
	return body, nil
}

// chosenFactor is the factor to challenge: the one that was named, or the first
// of an accepted type.
func chosenFactor(t *state.Tenant, userID, id string, types []string, channel string) (*state.Enrollment, *OAuthError) {
	s := &t.Auth.Factors
	if !s.Enrolled(userID) {
		return nil, OAuthFail(http.StatusUnauthorized, "association_required",
			"User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.")
	}
	for _, e := range s.Usable(userID) {
		typ := "oob"
		switch e.Kind {
		case "totp":
			typ = "otp"
		case "sms", "voice", "email", "push":
		default:
			continue
		}
		named := id == "" || e.ID == id
		if named && (len(types) == 0 || slices.Contains(types, typ)) && (channel == "" || typ == "otp" || e.Channel() == channel) {
			return e, nil
		}
	}
	return nil, OAuthFail(http.StatusUnauthorized, "unsupported_challenge_type",
		"User is not enrolled with the challenge type or the authenticator that was asked for.")
}

// serveAuthenticators lists the factors of the user.
func serveAuthenticators(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	now := t.Lock()
	c, bad := readMFACaller(t, r, "read:authenticators", now)
	list := []any{}
	if bad == nil {
		for _, e := range t.Auth.Factors.ByUser[c.userID] {
			list = append(list, authenticator(e))
		}
	}
	t.Unlock()
	if bad != nil {
		bad.Send(w)
		return
	}
	web.SendJSON(w, http.StatusOK, list)
}

// authenticator is the factor as the MFA API shows it.
func authenticator(e *state.Enrollment) map[string]any {
	d := map[string]any{"id": e.ID, "authenticator_type": "oob", "active": e.Confirmed}
	switch e.Kind {
	case "totp":
		d["authenticator_type"] = "otp"
	case "recovery-code":
		d["authenticator_type"] = "recovery-code"
	default:
		d["oob_channel"] = e.Channel()
	}
	if name := e.Masked(); name != "" {
		d["name"] = name
	}
	return d
}

// serveDeleteAuthenticator removes a factor of the user.
func serveDeleteAuthenticator(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	now := t.Lock()
	c, bad := readMFACaller(t, r, "remove:authenticators", now)
	if bad == nil && c.login != nil {
		bad = OAuthFail(http.StatusForbidden, "insufficient_scope", "An access token with the scope remove:authenticators is needed.")
	}
	id := r.PathValue("id")
	if bad == nil && t.Auth.Factors.Remove(c.userID, func(e *state.Enrollment) bool { return e.ID == id }) == 0 {
		bad = OAuthFail(http.StatusNotFound, "invalid_request", "Authenticator not found.")
	}
	if bad == nil {
		t.Log("gd_unenroll", state.LogFields{UserID: c.userID, IP: web.OriginOf(r).IP, UserAgent: r.UserAgent(), Hostname: r.Host})
	}
	t.Unlock()
	if bad != nil {
		bad.Send(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
