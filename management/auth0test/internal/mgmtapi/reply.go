package mgmtapi

import (
	"encoding/json"
	"net/http"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Reply is an answer of the Management API.
type Reply struct {
	Status int
	Body   any
	extra  map[string]any // More keys of an error's body.
}

func OK(body any) *Reply { return &Reply{Status: http.StatusOK, Body: body} }

func Created(body any) *Reply { return &Reply{Status: http.StatusCreated, Body: body} }

func Accepted(body any) *Reply { return &Reply{Status: http.StatusAccepted, Body: body} }

func NoContent() *Reply { return &Reply{Status: http.StatusNoContent} }

// Fail answers an error; code may be empty, as Auth0 often leaves it.
func Fail(status int, message, code string) *Reply {
	return &Reply{Status: status, Body: web.APIError{StatusCode: status, Error: http.StatusText(status), Message: message, ErrorCode: code}}
}

// Refusal is a text that refuses a request, if there is one.
func Refusal(text string) *Reply {
	if text == "" {
		return nil
	}
	return BadRequest(text, "")
}

// Invalid refuses a body in the words of the validator.
func Invalid(text string) *Reply {
	return BadRequest("Payload validation error: '"+text+"'.", "invalid_body")
}

// Lacks refuses a body without a property.
func Lacks(property string) *Reply { return Invalid("Missing required property: " + property) }

func BadRequest(message, code string) *Reply { return Fail(http.StatusBadRequest, message, code) }

func NotFound(message, code string) *Reply { return Fail(http.StatusNotFound, message, code) }

func Conflict(message, code string) *Reply { return Fail(http.StatusConflict, message, code) }

// encode returns the body as bytes; it runs under the mutex when the handler did.
func (r *Reply) encode() []byte {
	if r.Body == nil {
		return nil
	}
	b, err := json.Marshal(r.Body)
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

func Nothing() map[string]any { return map[string]any{} }
