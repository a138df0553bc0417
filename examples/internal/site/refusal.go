package site

import (
	"log"
	"net/http"

	"github.com/auth0kit/auth0kit/session"
)

// refused are the texts of what went wrong, by the reason of the refusal.
var refused = map[string][2]string{
	"superseded":   {"That was a moment too late", "Your session was renewed while this request was under way, and nothing was changed. Go back and do it again."},
	"forged":       {"This form is not valid any more", "Nothing was changed. Go back, load the page again, and send the form again."},
	"unavailable":  {"That did not work", "Something that we need does not answer, and nothing was changed. Try again in a moment."},
	"no_factor":    {"You need a second factor for this", "Your account has none. Ask the help desk to enroll one: a password alone cannot."},
	"mfa_required": {"You need a second factor for this", "You came back without it. Try again."},
	"other_user":   {"Somebody else came back", "You signed in as another user than the one whose page this is. Nothing was changed."},
	"state":        {"This sign-in is over", "It was started in another browser, or more than an hour ago. Start again."},
	"revoked":      {"Your sessions were ended", "You, or somebody who may, ended all your sessions. Sign in again."},
	"refused":      {"You may not sign in here", "Ask the help desk if you think that you may."},
}

// Refusal renders what session and login refuse, in the look of the other pages: it
// is a session.HTTPConfig.Render.
func (s *Site) Refusal(r *http.Request, x session.Refusal) (contentType string, body []byte) {
	if x.Status >= http.StatusInternalServerError {
		log.Printf("%s: %v", s.Name, x.Err)
	}
	texts, ok := refused[x.Reason]
	if !ok {
		texts = [2]string{"That did not work", "Nothing was changed. Try again, or start from the first page."}
	}
	if x.Status == http.StatusUnauthorized {
		texts = [2]string{"You are not signed in", "Sign in to see this page."}
	}
	body, err := s.Body(r, "failed", Page{Title: texts[0], Lead: texts[1], Data: x.Reason})
	if err != nil {
		return "text/plain; charset=utf-8", []byte(texts[0] + "\n")
	}
	return "text/html; charset=utf-8", body
}
