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
)

// associate begins the enrollment of a factor. Its first use confirms it.
func associate(t *state.Tenant, q *Request) (any, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	c, bad := q.mfaCaller(t, "enroll", now)
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

// challenge challenges a user for a factor that was enrolled before.
func challenge(t *state.Tenant, q *Request, app *state.App) (any, *OAuthError) {
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

// authenticators lists the factors of the user.
func authenticators(t *state.Tenant, q *Request) (any, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	c, bad := q.mfaCaller(t, "read:authenticators", now)
	if bad != nil {
		return nil, bad
	}
	return store.Render(t.Auth.Factors.ByUser[c.userID], authenticator), nil
}

// authenticator is the factor as the MFA API shows it.
func authenticator(e *state.Enrollment) any {
	d := map[string]any{"id": e.ID, "authenticator_type": "oob", "active": e.Confirmed}
	switch e.Kind {
	case "totp":
		d["authenticator_type"] = "otp"
	case "recovery-code":
		d["authenticator_type"] = "recovery-code"
	default:
		d["oob_channel"] = e.Channel()
	}
	store.Put(d, "name", e.Masked())
	return d
}

// deleteAuthenticator removes a factor of the user.
func deleteAuthenticator(t *state.Tenant, q *Request) (any, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	c, bad := q.mfaCaller(t, "remove:authenticators", now)
	switch {
	case bad != nil:
		return nil, bad
	case c.login != nil:
		return nil, OAuthFail(http.StatusForbidden, "insufficient_scope", "An access token with the scope remove:authenticators is needed.")
	case t.Auth.Factors.Remove(c.userID, func(e *state.Enrollment) bool { return e.ID == q.r.PathValue("id") }) == 0:
		return nil, OAuthFail(http.StatusNotFound, "invalid_request", "Authenticator not found.")
	}
	f := q.logFields()
	f.UserID = c.userID
	t.Log("gd_unenroll", f)
	return nil, nil
}
