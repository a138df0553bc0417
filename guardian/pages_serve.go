package guardian

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/authn"
)

func (p *Pages) list(w http.ResponseWriter, r *http.Request, v visitor) {
	if p.showsCodes(w, r, v) {
		return
	}
	p.showList(w, r, v, nil)
}

func (p *Pages) showList(w http.ResponseWriter, r *http.Request, v visitor, problem error) {
	d := page{Page: "list", Passkeys: p.cfg.Passkeys != nil}
	all, err := p.s.Enrollments(r.Context(), v.id)
	known := []map[string]any{}
	for _, e := range all {
		if e.Confirmed {
			d.Enrollments = append(d.Enrollments, listed{e, e.Factor.local()})
			d.HasTOTP = d.HasTOTP || e.Factor == LocalTOTP
			d.HasLocal = d.HasLocal || e.Factor == LocalTOTP || e.Factor == Passkey
			known = append(known, map[string]any{"id": e.ID, "factor": e.Factor, "name": e.Name, "created_at": e.CreatedAt})
		}
	}
	if done := r.URL.Query().Get("done"); problem == nil && r.Method == http.MethodGet && (done == "added" || done == "removed") {
		d.Done = done
	}
	problem = errors.Join(problem, err)
	p.render(w, r, statusOf(problem), d, problem, map[string]any{"enrollments": known})
}

// refused sends who must prove a factor first to do that.
func (p *Pages) refused(w http.ResponseWriter, r *http.Request, err error) bool {
	if !errors.Is(err, ErrStepUp) {
		return false
	}
	p.cfg.Challenge(w, r)
	return true
}

// enroll makes a new secret; enrolling shows it until its first code is accepted.
func (p *Pages) enroll(w http.ResponseWriter, r *http.Request, v visitor) {
	key, err := p.s.EnrollTOTP(r.Context(), v.id, v.account, p.proof(r, v))
	switch {
	case p.refused(w, r, err):
	case err != nil:
		p.showList(w, r, v, err)
	case wantsJSON(r):
		p.json(w, http.StatusOK, map[string]string{"secret": key.Secret(), "url": key.URL()})
	default:
		see(w, p.cfg.Path+"/enroll")
	}
}

func (p *Pages) enrolling(w http.ResponseWriter, r *http.Request, v visitor) {
	p.showEnrolling(w, r, v, nil)
}

func (p *Pages) showEnrolling(w http.ResponseWriter, r *http.Request, v visitor, problem error) {
	key, proved, err := p.s.pending(r.Context(), v.id)
	switch {
	case err != nil || key == nil && problem != nil:
		p.showList(w, r, v, errors.Join(problem, err))
		return
	case key == nil:
		see(w, p.cfg.Path+"/")
		return
	case proved && p.proof(r, v) == nil: // Whoever has only the session must not see the secret.
		p.cfg.Challenge(w, r)
		return
	}
	svg, err := key.SVG()
	if err != nil {
		p.showList(w, r, v, err)
		return
	}
	svg = strings.Replace(svg, "<svg ", `<svg role="img" aria-label="QR code of the key below" `, 1)
	d := page{Page: "enroll", QR: template.HTML(svg), Key: key.Grouped(), Name: cleanName(r.PostFormValue("name"))} // SVG has nothing but numbers.
	if problem != nil {
		d.Field = "code"
	}
	p.render(w, r, statusOf(problem), d, problem, map[string]string{"secret": key.Secret(), "url": key.URL()})
}

// confirm ends the enrollment. The proof counts for the session too: the app was
// there just now.
func (p *Pages) confirm(w http.ResponseWriter, r *http.Request, v visitor) {
	answer := squeeze(r.PostFormValue("code"))
	codes, err := p.s.confirmTOTP(r.Context(), v.id, r.PostFormValue("name"), answer)
	switch {
	case p.repeats(w, r, v, answer, err), p.refused(w, r, err):
	case err != nil:
		p.showEnrolling(w, r, v, err)
	default:
		p.added(w, r, v, LocalTOTP, answer, codes)
	}
}

// ask shows the page "verify", unless its form was just answered.
func (p *Pages) ask(w http.ResponseWriter, r *http.Request, v visitor) {
	if p.showsCodes(w, r, v) {
		return
	}
	a, ok := authn.FromContext(r.Context())
	if ok && p.others != nil && fresh(p.level(r).at(a), 10*time.Second, p.s.now()) && !wantsJSON(r) {
		see(w, p.to(r))
		return
	}
	p.showAsk(w, r, v, "", nil)
}

// level is what the page's address asks for.
func (p *Pages) level(r *http.Request) Level {
	if r.URL.Query().Get("level") == "phishing-resistant" {
		return PhishingResistant
	}
	return MultiFactor
}

func (p *Pages) showAsk(w http.ResponseWriter, r *http.Request, v visitor, field string, problem error) {
	d := page{Page: "verify", Field: field, Strong: p.level(r) > MultiFactor}
	if errors.Is(problem, ErrThrottled) || errors.Is(problem, ErrLocked) {
		d.Field = ""
	}
	if r.URL.RawQuery != "" {
		q := url.Values{}
		for _, name := range []string{"to", "level"} {
			if value := r.URL.Query().Get(name); value != "" {
				q.Set(name, value)
			}
		}
		d.Query = "?" + q.Encode()
	}
	all, _, err := p.s.localEnrollments(r.Context(), v.id)
	for _, e := range all {
		d.HasTOTP = d.HasTOTP || e.Factor == LocalTOTP && !d.Strong
		d.HasCodes = d.HasCodes || e.Factor == LocalRecovery && !d.Strong
		d.Passkeys = d.Passkeys || e.Factor == Passkey && p.cfg.Passkeys != nil
	}
	var options []byte
	if err == nil && d.Passkeys {
		options, err = p.cfg.Passkeys.BeginVerify(r.Context(), v.id)
		d.Options = string(options)
	}
	problem = errors.Join(problem, err)
	p.render(w, r, statusOf(problem), d, problem, map[string]any{"options": raw(options), "totp": d.HasTOTP, "recovery": d.HasCodes})
}

// to is where to go on: a path of this site.
func (p *Pages) to(r *http.Request) string {
	asked := r.URL.Query().Get("to")
	switch {
	case isLocalPath(asked):
		return asked
	case p.others == nil:
		return "/"
	}
	return p.cfg.Path + "/"
}

func (p *Pages) verify(w http.ResponseWriter, r *http.Request, v visitor) {
	field, answer := "code", squeeze(r.PostFormValue("code"))
	var proof *Verification
	var err error
	f := Factor(r.PostFormValue("factor"))
	switch {
	case f == Passkey && p.cfg.Passkeys != nil:
		field, answer = "response", r.PostFormValue("response")
		proof, err = p.cfg.Passkeys.FinishVerify(r.Context(), v.id, []byte(answer))
	case f == LocalRecovery:
		field = "recovery"
		proof, err = p.s.Verify(r.Context(), Request{UserID: v.id, Factor: f, Code: answer, IP: p.web.ClientIP(r)})
	default:
		proof, err = p.s.Verify(r.Context(), Request{UserID: v.id, Factor: LocalTOTP, Code: answer, IP: p.web.ClientIP(r)})
	}
	answer = field + " " + answer
	switch {
	case p.repeats(w, r, v, answer, err):
	case err != nil:
		p.showAsk(w, r, v, field, err)
	default:
		next := shown{To: p.to(r), Answer: p.answer(answer)}
		if proof.NewRecoveryCode != "" {
			next.Codes = []string{proof.NewRecoveryCode}
		}
		p.proved(w, r, v, proof, next)
	}
}

func (p *Pages) recovery(w http.ResponseWriter, r *http.Request, v visitor) {
	if p.showsCodes(w, r, v) {
		return
	}
	codes, err := p.s.RenewRecoveryCodes(r.Context(), v.id, p.proof(r, v))
	next := shown{Codes: codes, To: p.cfg.Path + "/"}
	if err == nil {
		err = p.s.keepShown(r.Context(), v.id, next)
	}
	switch {
	case p.refused(w, r, err):
	case err != nil:
		p.showList(w, r, v, err)
	default:
		p.next(w, r, next)
	}
}

// removing asks once more, by name.
func (p *Pages) removing(w http.ResponseWriter, r *http.Request, v visitor) {
	if p.proof(r, v) == nil {
		p.cfg.Challenge(w, r)
		return
	}
	all, _, err := p.s.localEnrollments(r.Context(), v.id)
	d, others := page{Page: "remove"}, 0
	for _, e := range all {
		switch {
		case e.ID == r.URL.Query().Get("id"):
			d.Enrollments = append(d.Enrollments, listed{e, true})
		case e.Factor != LocalRecovery:
			others++
		}
	}
	switch {
	case err != nil:
		p.showList(w, r, v, err)
	case len(d.Enrollments) == 0:
		p.message(w, r, http.StatusNotFound)
	default:
		d.Last = others == 0 && d.Enrollments[0].Factor != LocalRecovery
		p.render(w, r, http.StatusOK, d, nil, map[string]bool{"last": d.Last})
	}
}

// remove removes local factors only: those of Auth0 belong to Auth0's pages.
func (p *Pages) remove(w http.ResponseWriter, r *http.Request, v visitor) {
	if p.proof(r, v) == nil {
		p.cfg.Challenge(w, r)
		return
	}
	id := r.PostFormValue("id")
	kind, _, _ := strings.Cut(id, "|")
	if !Factor(kind).local() {
		p.showList(w, r, v, ErrNotEnrolled)
		return
	}
	err := p.s.Remove(r.Context(), v.id, id)
	if errors.Is(err, ErrNotEnrolled) { // It is gone, by a form that was sent twice.
		err = nil
	}
	if err == nil && r.PostFormValue("others") != "" {
		err = p.others.RevokeOthers(w, r)
	}
	if err != nil {
		p.showList(w, r, v, err)
		return
	}
	p.on(w, r, p.cfg.Path+"/?done=removed")
}
