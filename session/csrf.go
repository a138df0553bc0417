package session

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

const csrfSize = 16

// Where a request carries the token of [Session.CSRFToken].
const (
	CSRFHeader = "X-CSRF-Token"
	CSRFField  = "csrf_token" // in a form; in a multipart one before its files
)

// CSRFToken returns a token that the session's pages put into their forms or send
// as a header with every request that changes something; [HTTP.Load] refuses those
// without it. It lives as long as the session, survives Renew and ends with StepUp.
// Each call returns a different text for the same token, so that compression cannot
// leak it.
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

// Why a request is refused as forged. The texts reach the client.
var (
	errOrigin = errors.New("the request comes from another origin")
	errCSRF   = errors.New("the request has no valid csrf_token, as a form field or as the header X-CSRF-Token")
	errForm   = errors.New("csrf_token was not found in the first MiB of the form; put it before files, or send the header X-CSRF-Token")
)

// maxForm bounds the body that is read in search of the token.
const maxForm = 1 << 20

// csrfOf finds the token of a request. It reads the body of a form only, which
// stays readable through r.PostForm or, a multipart one, as it was sent.
func csrfOf(w http.ResponseWriter, r *http.Request) (string, error) {
	if token := r.Header.Get(CSRFHeader); token != "" {
		return token, nil
	}
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch media {
	case "application/x-www-form-urlencoded":
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return "", errForm
			}
			return "", errCSRF
		}
		return r.PostForm.Get(CSRFField), nil
	case "multipart/form-data":
		return csrfOfParts(r, params["boundary"])
	}
	return "", nil
}

// csrfOfParts reads the parts of a form up to the token, and puts what it has read
// back in front of the body: the handler reads the files, with limits of its own.
func csrfOfParts(r *http.Request, boundary string) (string, error) {
	var read bytes.Buffer
	body := r.Body
	parts := multipart.NewReader(io.TeeReader(io.LimitReader(body, maxForm), &read), boundary)
	defer func() {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(&read, body), body}
	}()
	for boundary != "" {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF) && read.Len() < maxForm:
			return "", nil
		case err != nil:
			return "", errForm
		case part.FormName() == CSRFField && part.FileName() == "":
			token, err := io.ReadAll(io.LimitReader(part, 4*csrfSize))
			return strings.TrimSpace(string(token)), err
		}
	}
	return "", nil
}
