package auth0test

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// reply is an answer of the Management API.
type reply struct {
	status int
	body   any
	extra  map[string]any // More keys of an error's body.
}

func ok(body any) *reply       { return &reply{status: http.StatusOK, body: body} }
func created(body any) *reply  { return &reply{status: http.StatusCreated, body: body} }
func accepted(body any) *reply { return &reply{status: http.StatusAccepted, body: body} }
func noContent() *reply        { return &reply{status: http.StatusNoContent} }

// apiError is the body of every error of the Management API.
type apiError struct {
	StatusCode int    `json:"statusCode"`
	Error      string `json:"error"`
	Message    string `json:"message"`
	ErrorCode  string `json:"errorCode,omitempty"`
}

// fail answers an error; code may be empty, as Auth0 often leaves it.
func fail(status int, message, code string) *reply {
	return &reply{status: status, body: apiError{status, http.StatusText(status), message, code}}
}

func badRequest(message, code string) *reply { return fail(http.StatusBadRequest, message, code) }
func notFound(message, code string) *reply   { return fail(http.StatusNotFound, message, code) }
func conflict(message, code string) *reply   { return fail(http.StatusConflict, message, code) }

// encode returns the body as bytes; it runs under the mutex when the handler did.
func (r *reply) encode() []byte {
	if r.body == nil {
		return nil
	}
	b, err := json.Marshal(r.body)
	if err != nil {
		panic(err) // A handler built something that is not JSON: a bug of this package.
	}
	if r.extra == nil {
		return b
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		panic(err)
	}
	for k, v := range r.extra {
		m[k] = v
	}
	b, err = json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// send writes an answer.
func send(w http.ResponseWriter, status int, body []byte) {
	if body != nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	w.Write(body)
}

// sendJSON writes a value as an answer.
func sendJSON(w http.ResponseWriter, status int, body any) {
	send(w, status, (&reply{body: body}).encode())
}
