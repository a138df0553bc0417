package auth0test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// serveAssociate begins the enrolment of a factor. Its first use confirms it.
func (t *Tenant) serveAssociate(w http.ResponseWriter, r *http.Request) {
	body, bad := t.associate(w, r)
	if bad != nil {
		bad.send(w)
		return
	}
	noStore(w)
	sendJSON(w, http.StatusOK, body)
}

func (t *Tenant) associate(w http.ResponseWriter, r *http.Request) (map[string]any, *oauthError) {
	q, bad := readAuth(w, r)
	if bad != nil {
		return nil, bad
	}
	now := t.lock()
	defer t.mu.Unlock()
	c, bad := t.mfaCaller(r, "enroll", now)
	if bad != nil {
		return nil, bad
	}
	if c.login != nil && t.authState.factors.enrolled(c.userID) {
		return nil, accessDenied("User is already enrolled.")
	}
	e, bad := t.wantedFactor(q, c.userID)
	if bad != nil {
		return nil, bad
	}
	s := &t.authState.factors
	s.add(e, now)
	f := q.logFields()
	f.UserID = c.userID
	t.log("gd_start_enroll", f)
	body, bad := t.associated(e, q, f, now)
	if bad != nil {
		return nil, bad
	}
	if s.enabled["recovery-code"] && s.recovery(c.userID) == nil {
		body["recovery_codes"] = []string{s.newRecovery(c.userID, now).secret}
	}
	return body, nil
}

// wantedFactor is the first factor that was asked for and that the tenant has.
func (t *Tenant) wantedFactor(q *authRequest, userID string) (*enrolment, *oauthError) {
	types, channels := q.list("authenticator_types"), q.list("oob_channels")
	if len(types) == 0 {
		return nil, missingParameter("authenticator_types")
	}
	on := t.authState.factors.enabled
	if slices.Contains(types, "otp") && on["otp"] {
		return &enrolment{userID: userID, kind: "totp", secret: newTOTPSecret()}, nil
	}
	if slices.Contains(types, "oob") && len(channels) == 0 {
		return nil, missingParameter("oob_channels")
	}
	for _, ch := range channels {
		e := &enrolment{userID: userID, kind: ch}
		switch ch {
		case "sms", "voice":
			if e.phone = q.get("phone_number"); e.phone == "" {
				return nil, missingParameter("phone_number")
			}
		case "auth0":
			e.kind = "push"
		case "email":
			e.email = q.get("email")
			if u := t.users.get(userID); e.email == "" && u != nil {
				e.email = u.email
			}
		default:
			return nil, invalidRequest("Unsupported oob_channel: " + ch)
		}
		if slices.Contains(types, "oob") && on[e.factor()] {
			return e, nil
		}
	}
	return nil, accessDenied("None of the requested authenticators is enabled for the tenant.")
}

// associated is the answer for a factor that waits to be confirmed.
func (t *Tenant) associated(e *enrolment, q *authRequest, f logFields, now time.Time) (map[string]any, *oauthError) {
	account := e.userID
	if u := t.users.get(e.userID); u != nil {
		account = u.shownName()
	}
	if e.kind == "totp" {
		return map[string]any{"authenticator_type": "otp", "secret": e.secret, "barcode_uri": totpURI(q.host, account, e.secret)}, nil
	}
	c, bad := t.challengeOOB(e, f, now)
	if bad != nil {
		return nil, bad
	}
	body := map[string]any{"authenticator_type": "oob", "oob_channel": e.channel(), "oob_code": c.oobCode}
	if e.kind == "push" {
		body["barcode_uri"] = "otpauth://totp/" + url.PathEscape(q.host) + ":" + url.QueryEscape(account) +
			"?enrollment_tx_id=" + randomID(32) + "&base_url=" + url.QueryEscape(strings.TrimSuffix(q.issuer, "/"))
	} else {
		body["binding_method"] = "prompt"
	}
	return body, nil
}

// serveChallenge challenges a user for a factor that was enrolled before.
func (t *Tenant) serveChallenge(w http.ResponseWriter, r *http.Request) {
	body, bad := t.challenge(w, r)
	if bad != nil {
		bad.send(w)
		return
	}
	noStore(w)
	sendJSON(w, http.StatusOK, body)
}

func (t *Tenant) challenge(w http.ResponseWriter, r *http.Request) (map[string]any, *oauthError) {
	q, bad := readAuth(w, r)
	if bad != nil {
		return nil, bad
	}
	if bad := q.need("mfa_token"); bad != nil {
		return nil, bad
	}
	app, bad := t.authenticateApp(q)
	if bad != nil {
		return nil, bad
	}
	now := t.lock()
	defer t.mu.Unlock()
	x, bad := t.mfaLogin(q.get("mfa_token"), app.id, now)
	if bad != nil {
		return nil, bad
	}
	e, bad := t.chosenFactor(x.login.user.id, q.get("authenticator_id"), strings.Fields(q.get("challenge_type")), q.get("oob_channel"))
	if bad != nil {
		return nil, bad
	}
	f := x.login.issuance.logFields(q.origin)
	t.log("gd_start_auth", f)
	if e.kind == "totp" {
		return map[string]any{"challenge_type": "otp"}, nil
	}
	c, bad := t.challengeOOB(e, f, now)
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
func (t *Tenant) chosenFactor(userID, id string, types []string, channel string) (*enrolment, *oauthError) {
	s := &t.authState.factors
	if !s.enrolled(userID) {
		return nil, oauthFail(http.StatusUnauthorized, "association_required",
			"User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.")
	}
	for _, e := range s.usable(userID) {
		typ := "oob"
		switch e.kind {
		case "totp":
			typ = "otp"
		case "sms", "voice", "email", "push":
		default:
			continue
		}
		named := id == "" || e.id == id
		if named && (len(types) == 0 || slices.Contains(types, typ)) && (channel == "" || typ == "otp" || e.channel() == channel) {
			return e, nil
		}
	}
	return nil, oauthFail(http.StatusUnauthorized, "unsupported_challenge_type",
		"User is not enrolled with the challenge type or the authenticator that was asked for.")
}

// serveAuthenticators lists the factors of the user.
func (t *Tenant) serveAuthenticators(w http.ResponseWriter, r *http.Request) {
	now := t.lock()
	c, bad := t.mfaCaller(r, "read:authenticators", now)
	list := []any{}
	if bad == nil {
		for _, e := range t.authState.factors.byUser[c.userID] {
			list = append(list, e.authenticator())
		}
	}
	t.mu.Unlock()
	if bad != nil {
		bad.send(w)
		return
	}
	sendJSON(w, http.StatusOK, list)
}

// authenticator is the factor as the MFA API shows it.
func (e *enrolment) authenticator() map[string]any {
	d := map[string]any{"id": e.id, "authenticator_type": "oob", "active": e.confirmed}
	switch e.kind {
	case "totp":
		d["authenticator_type"] = "otp"
	case "recovery-code":
		d["authenticator_type"] = "recovery-code"
	default:
		d["oob_channel"] = e.channel()
	}
	if name := e.masked(); name != "" {
		d["name"] = name
	}
	return d
}

// serveDeleteAuthenticator removes a factor of the user.
func (t *Tenant) serveDeleteAuthenticator(w http.ResponseWriter, r *http.Request) {
	now := t.lock()
	c, bad := t.mfaCaller(r, "remove:authenticators", now)
	if bad == nil && c.login != nil {
		bad = oauthFail(http.StatusForbidden, "insufficient_scope", "An access token with the scope remove:authenticators is needed.")
	}
	id := r.PathValue("id")
	if bad == nil && t.authState.factors.remove(c.userID, func(e *enrolment) bool { return e.id == id }) == 0 {
		bad = oauthFail(http.StatusNotFound, "invalid_request", "Authenticator not found.")
	}
	if bad == nil {
		t.log("gd_unenroll", logFields{UserID: c.userID, IP: originOf(r).ip, UserAgent: r.UserAgent(), Hostname: r.Host})
	}
	t.mu.Unlock()
	if bad != nil {
		bad.send(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
