package oauth

import (
	"context"
	"net/http"
	"net/url"
)

// Push sends an authorization request over the back channel (RFC 9126) and returns
// the request_uri that takes its place at /authorize, once and soon.
func (c *Client) Push(ctx context.Context, request url.Values) (string, error) {
	form := url.Values{}
	for name, values := range request {
		form[name] = values
	}
	var answer struct {
		RequestURI string `json:"request_uri"`
	}
	if err := c.postForm(ctx, "par", "/oauth/par", form, nil, &answer); err != nil {
		return "", err
	}
	if answer.RequestURI == "" {
		return "", &Error{Op: "par", Status: http.StatusCreated, Err: errUnreadable}
	}
	return answer.RequestURI, nil
}
