package guardian

import (
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

// added is the end of an enrollment.
func (p *Pages) added(w http.ResponseWriter, r *http.Request, v visitor, f Factor, answer string, codes []string) {
	p.proved(w, r, v, &Verification{UserID: v.id, Factor: f, AMR: f.amr(), Time: p.s.now()}, shown{
		Codes: codes, To: p.cfg.Path + "/?done=added", Answer: p.answer(answer),
	})
}

// proved puts a proof into the session, and goes on. What is to be done and shown is
// kept first: a second click ends the first request, and its answer is lost with the
// session's new token. So the answer to a form leads to the page "done", which takes
// the proof for the one who sent that form.
func (p *Pages) proved(w http.ResponseWriter, r *http.Request, v visitor, proof *Verification, next shown) {
	next.For, next.At, next.AMR = form(r), proof.Time, proof.AMR
	next.Others = p.others != nil && r.PostFormValue("others") != ""
	err := p.s.keepShown(r.Context(), v.id, next)
	switch {
	case err == nil && p.others != nil && len(next.For) > 0 && !wantsJSON(r):
		p.toDone(w, r)
		return
	case err == nil:
		err = p.stepUp(w, r, next)
	}
	if err != nil {
		p.message(w, r, http.StatusInternalServerError)
		return
	}
	p.next(w, r, next)
}

func (p *Pages) toDone(w http.ResponseWriter, r *http.Request) {
	see(w, p.cfg.Path+"/done?"+url.Values{formField: {r.FormValue(formField)}}.Encode())
}

func (p *Pages) stepUp(w http.ResponseWriter, r *http.Request, next shown) error {
	err := p.web.StepUp(w, r, next.At, next.AMR...)
	if err == nil && next.Others {
		err = p.others.RevokeOthers(w, r)
	}
	return err
}

// done takes the proof that its form has given, once. What is shown once comes first:
// with the proof the session gets a new token, and an answer that is lost with it signs
// the user out.
func (p *Pages) done(w http.ResponseWriter, r *http.Request, v visitor) {
	last, ok := p.mine(r, v)
	var err error
	switch {
	case !ok:
		p.confirmed(w, r, v)
		return
	case last.At.IsZero(): // It was taken, by this same form.
	case len(last.Codes) > 0 && !last.Others:
	case len(last.Codes) > 0:
		if err = p.others.RevokeOthers(w, r); err == nil {
			err = p.s.changeShown(r.Context(), v.id, last, func(now *shown) { now.Others = false })
		}
	default:
		if err = p.s.changeShown(r.Context(), v.id, last, func(now *shown) { now.At = time.Time{} }); err == nil {
			err = p.stepUp(w, r, last)
		}
	}
	if err != nil {
		p.message(w, r, http.StatusInternalServerError)
		return
	}
	p.next(w, r, last)
}

// mine returns the last result if it is that of the request's form.
func (p *Pages) mine(r *http.Request, v visitor) (shown, bool) {
	last, ok, err := p.s.lastShown(r.Context(), v.id)
	of := form(r)
	return last, err == nil && ok && len(of) > 0 && subtle.ConstantTimeCompare(last.For, of) == 1
}

func (p *Pages) next(w http.ResponseWriter, r *http.Request, next shown) {
	switch {
	case wantsJSON(r):
		out := map[string]any{"to": next.To}
		if len(next.Codes) > 0 {
			out["recovery_codes"] = next.Codes
		}
		p.json(w, http.StatusOK, out)
	case len(next.Codes) > 0 && r.FormValue(formField) != "":
		see(w, p.cfg.Path+"/codes?"+url.Values{formField: {r.FormValue(formField)}}.Encode())
	case len(next.Codes) > 0:
		see(w, p.cfg.Path+"/codes")
	default:
		see(w, next.To)
	}
}

// answer is what is kept of an answer, to know it again; the record is sealed.
func (p *Pages) answer(typed string) []byte { return hashOf("answer", typed) }

// repeats gives the result of a form once more that was sent twice: with the same
// answer, from the same form, and refused because it was accepted just now.
func (p *Pages) repeats(w http.ResponseWriter, r *http.Request, v visitor, answer string, refusal error) bool {
	if sentinelOf(refusal) == nil || errors.Is(refusal, ErrThrottled) || errors.Is(refusal, ErrLocked) {
		return false
	}
	last, ok := p.mine(r, v)
	for n := 0; !ok && n < 20 && spent(r, refusal) && len(form(r)) > 0; n++ { // The first request has spent the answer and not kept its result yet.
		if retry.Sleep(r.Context(), 50*time.Millisecond) != nil {
			break
		}
		last, ok = p.mine(r, v)
	}
	switch {
	case !ok || subtle.ConstantTimeCompare(last.Answer, p.answer(answer)) != 1:
		return false
	case p.others != nil:
		p.toDone(w, r)
		return true
	case p.stepUp(w, r, last) != nil:
		return false
	}
	p.next(w, r, last)
	return true
}

// spent reports whether an answer may be refused because a form was sent twice. A
// recovery code that is spent is unknown.
func spent(r *http.Request, refusal error) bool {
	if errors.Is(refusal, ErrWrongCode) {
		return Factor(r.PostFormValue("factor")) == LocalRecovery
	}
	return errors.Is(refusal, ErrReplayed) || errors.Is(refusal, ErrNotEnrolled) || errors.Is(refusal, ErrExpired)
}

// confirmed is where a browser ends that opens the address of a form.
func (p *Pages) confirmed(w http.ResponseWriter, r *http.Request, v visitor) {
	if !p.showsCodes(w, r, v) {
		see(w, p.cfg.Path+"/")
	}
}

// showsCodes sends the visitor to codes that wait for them.
func (p *Pages) showsCodes(w http.ResponseWriter, r *http.Request, v visitor) bool {
	_, ok := p.waiting(r, v)
	if ok && !wantsJSON(r) {
		see(w, p.cfg.Path+"/codes")
		return true
	}
	return false
}

// waiting returns codes that the visitor may see: with a fresh proof in the session,
// or from the form that they answered.
func (p *Pages) waiting(r *http.Request, v visitor) (shown, bool) {
	last, mine := p.mine(r, v)
	return last, len(last.Codes) > 0 && (mine || p.proof(r, v) != nil)
}

func (p *Pages) codes(w http.ResponseWriter, r *http.Request, v visitor) {
	last, ok := p.waiting(r, v)
	if !ok {
		p.goOn(w, r, v)
		return
	}
	p.render(w, r, http.StatusOK, page{Page: "codes", Codes: last.Codes}, nil, map[string]any{"recovery_codes": last.Codes})
}

// goOn leads from the codes to where the form leads that brought them.
func (p *Pages) goOn(w http.ResponseWriter, r *http.Request, v visitor) {
	switch last, mine := p.mine(r, v); {
	case mine && p.others != nil && !wantsJSON(r):
		p.toDone(w, r)
	case mine:
		p.on(w, r, last.To)
	default:
		p.on(w, r, p.cfg.Path+"/")
	}
}

func (p *Pages) download(w http.ResponseWriter, r *http.Request, v visitor) {
	last, ok := p.waiting(r, v)
	if !ok {
		p.message(w, r, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="recovery-codes.txt"`)
	_, _ = io.WriteString(w, strings.Join(last.Codes, "\r\n")+"\r\n") // The visitor has gone.
}

// kept ends the showing.
func (p *Pages) kept(w http.ResponseWriter, r *http.Request, v visitor) {
	last, ok := p.waiting(r, v)
	if ok {
		if err := p.s.forgetShown(r.Context(), v.id, last); err != nil {
			p.message(w, r, http.StatusInternalServerError)
			return
		}
	}
	p.goOn(w, r, v)
}
