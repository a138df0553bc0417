package session

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"mime"
	"net/http"
)

const csrfSize = 16

// Where a request carries the token of [Session.CSRFToken].
const (
	CSRFHeader = "X-CSRF-Token"
	CSRFField  = "csrf_token" // in an application/x-www-form-urlencoded body
)

// CSRFToken returns a token that the session's pages put into their forms or
// send as a header with every request that changes something; [HTTP.Load]
// refuses those without it. It lives as long as the session, survives Renew and
// ends with StepUp. Each call returns other text for the same token, so that
// compression cannot leak it.
func (s *Session) CSRFToken() string {
	var masked [2 * csrfSize]byte
	rand.Read(masked[:csrfSize])
	subtle.XORBytes(masked[csrfSize:], masked[:csrfSize], s.csrf[:])
	return base64.RawURLEncoding.EncodeToString(masked[:])
}

func (s *Session) csrfValid(token string) bool {
	masked, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(masked) != 2*csrfSize {
		return false
	}
	var plain [csrfSize]byte
	subtle.XORBytes(plain[:], masked[:csrfSize], masked[csrfSize:])
	return subtle.ConstantTimeCompare(plain[:], s.csrf[:]) == 1
}

// maxForm bounds the body that is read in search of the token.
const maxForm = 1 << 20

// csrfOf finds the token of a request. It reads the body of a form only, which
// stays readable through r.PostForm.
func csrfOf(w http.ResponseWriter, r *http.Request) string {
	if token := r.Header.Get(CSRFHeader); token != "" {
		return token
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" {
		return ""
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return ""
	}
	return r.PostForm.Get(CSRFField)
}
