package guardian

import (
	"errors"
	"html/template"
	"net/http"
)

func (p *Pages) list(w http.ResponseWriter, r *http.Request, v visitor) { p.showList(w, r, v, nil) }

func (p *Pages) showList(w http.ResponseWriter, r *http.Request, v visitor, problem error) {
	d := page{Page: "list"}
	all, err := p.s.Enrollments(r.Context(), v.id)
	for _, e := range all {
		if e.Confirmed {
			d.Enrollments = append(d.Enrollments, listed{e, e.Factor.local()})
			d.HasTOTP = d.HasTOTP || e.Factor == LocalTOTP
		}
	}
	problem = errors.Join(problem, err)
	p.render(w, r, statusOf(problem), d, problem)
}

// enroll shows a new secret, once.
func (p *Pages) enroll(w http.ResponseWriter, r *http.Request, v visitor) {
	key, err := p.s.EnrollTOTP(r.Context(), v.id, v.account, p.proof(r, v))
	if p.refused(w, r, err) {
		return
	}
	d := page{Page: "enroll"}
	if err == nil {
		var svg string
		svg, err = key.SVG()
		d.QR, d.Key = template.HTML(svg), key.Grouped() // SVG has nothing but numbers.
	}
	if err != nil {
		p.showList(w, r, v, err)
		return
	}
	p.render(w, r, http.StatusOK, d, nil)
}

// refused sends who must prove a factor first to do that.
func (p *Pages) refused(w http.ResponseWriter, r *http.Request, err error) bool {
	if !errors.Is(err, ErrStepUp) {
		return false
	}
	p.cfg.Challenge.ServeHTTP(w, r)
	return true
}

// confirm ends the enrollment. The proof counts for the session too: the app was
// there just now.
func (p *Pages) confirm(w http.ResponseWriter, r *http.Request, v visitor) {
	codes, err := p.s.ConfirmTOTP(r.Context(), v.id, code(r))
	if p.refused(w, r, err) {
		return
	}
	if err != nil {
		p.render(w, r, statusOf(err), page{Page: "enroll"}, err)
		return
	}
	proof := &Verification{UserID: v.id, Factor: LocalTOTP, AMR: LocalTOTP.amr(), Time: p.s.now(), genuine: true}
	if err := p.cfg.OnVerified(w, r, proof); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	if len(codes) == 0 {
		see(w, "./")
		return
	}
	p.render(w, r, http.StatusOK, page{Page: "codes", Codes: codes, To: "./"}, nil)
}

func (p *Pages) ask(w http.ResponseWriter, r *http.Request, _ visitor) {
	p.render(w, r, http.StatusOK, page{Page: "verify", To: p.to(r.URL.Query().Get("to"))}, nil)
}

// to is where to go on: a path of this site.
func (p *Pages) to(asked string) string {
	if isLocalPath(asked) {
		return asked
	}
	return p.cfg.Home
}

func (p *Pages) verify(w http.ResponseWriter, r *http.Request, v visitor) {
	to := p.to(r.PostFormValue("to"))
	f := LocalTOTP
	if Factor(r.PostFormValue("factor")) == LocalRecovery {
		f = LocalRecovery
	}
	proof, err := p.s.Verify(r.Context(), Request{UserID: v.id, Factor: f, Code: code(r), IP: p.cfg.ClientIP(r)})
	if err != nil {
		p.render(w, r, statusOf(err), page{Page: "verify", To: to}, err)
		return
	}
	if err := p.cfg.OnVerified(w, r, proof); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	if proof.NewRecoveryCode != "" {
		p.render(w, r, http.StatusOK, page{Page: "codes", Codes: []string{proof.NewRecoveryCode}, To: to}, nil)
		return
	}
	see(w, to)
}

func (p *Pages) recovery(w http.ResponseWriter, r *http.Request, v visitor) {
	codes, err := p.s.RenewRecoveryCodes(r.Context(), v.id, p.proof(r, v))
	switch {
	case p.refused(w, r, err):
	case err != nil:
		p.showList(w, r, v, err)
	default:
		p.render(w, r, http.StatusOK, page{Page: "codes", Codes: codes, To: "./"}, nil)
	}
}

// remove removes local factors only: those of Auth0 belong to Auth0's pages.
func (p *Pages) remove(w http.ResponseWriter, r *http.Request, v visitor) {
	f := Factor(r.PostFormValue("id"))
	if p.proof(r, v) == nil {
		p.cfg.Challenge.ServeHTTP(w, r)
		return
	}
	if !f.local() {
		p.showList(w, r, v, ErrNotEnrolled)
		return
	}
	if err := p.s.Remove(r.Context(), v.id, string(f)); err != nil {
		p.showList(w, r, v, err)
		return
	}
	see(w, "./")
}
