package guardian

import (
	"encoding/json"
	"net/http"
)

// raw is JSON that is there already; null without any.
func raw(b []byte) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return b
}

// passkey begins the enrollment of one.
func (p *Pages) passkey(w http.ResponseWriter, r *http.Request, v visitor) {
	p.showPasskey(w, r, v, nil)
}

func (p *Pages) showPasskey(w http.ResponseWriter, r *http.Request, v visitor, problem error) {
	if p.cfg.Passkeys == nil {
		p.message(w, r, http.StatusNotFound)
		return
	}
	options, err := p.cfg.Passkeys.BeginEnroll(r.Context(), v.id, v.account, p.proof(r, v))
	switch {
	case p.refused(w, r, err):
	case err != nil:
		p.showList(w, r, v, err)
	default:
		d := page{Page: "passkey", Options: string(options), Name: cleanName(r.PostFormValue("name"))}
		p.render(w, r, statusOf(problem), d, problem, map[string]any{"options": raw(options)})
	}
}

func (p *Pages) confirmPasskey(w http.ResponseWriter, r *http.Request, v visitor) {
	if p.cfg.Passkeys == nil {
		p.message(w, r, http.StatusNotFound)
		return
	}
	response := r.PostFormValue("response")
	codes, err := p.cfg.Passkeys.FinishEnroll(r.Context(), v.id, r.PostFormValue("name"), []byte(response))
	switch {
	case p.repeats(w, r, v, response, err), p.refused(w, r, err):
	case err != nil:
		p.showPasskey(w, r, v, err)
	default:
		p.added(w, r, v, Passkey, response, codes)
	}
}
