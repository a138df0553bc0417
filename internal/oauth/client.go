package oauth

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
)

// maxBody bounds every answer. The largest real one is a few kilobytes.
const maxBody = 1 << 20

// Client is an application of one tenant. ClientSecret and PrivateKey are
// optional and exclude each other: without both it is a public application. It
// is safe for concurrent use as long as nobody changes the fields.
type Client struct {
	Issuer       issuer.Issuer
	ClientID     string
	ClientSecret string        // Sent as client_secret in the body.
	PrivateKey   crypto.Signer // Signs an assertion for each request instead; see [Algorithm].
	HTTPClient   *http.Client  // Defaults to one with a timeout of 30 s. Redirects are never followed.

	prove func(url, nonce string) (string, error)
}

// Proving returns the application with a DPoP proof (RFC 9449) in each request to the
// token endpoint. prove makes one for a POST to url, with the nonce that Auth0 has
// asked for or none.
func (c *Client) Proving(prove func(url, nonce string) (string, error)) *Client {
	proving := *c
	proving.prove = prove
	return &proving
}

var defaultHTTP = &http.Client{Timeout: 30 * time.Second}

// authenticate adds what proves the application to form.
func (c *Client) authenticate(form url.Values) error {
	form.Set("client_id", c.ClientID)
	switch {
	case c.PrivateKey != nil:
		assertion, err := Assertion(c.PrivateKey, c.ClientID, string(c.Issuer), time.Now())
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	case c.ClientSecret != "":
		form.Set("client_secret", c.ClientSecret)
	}
	return nil
}

// postForm sends an authenticated form and decodes the answer into out.
func (c *Client) postForm(ctx context.Context, op, path string, form url.Values, header http.Header, out any) error {
	if err := c.authenticate(form); err != nil {
		return &Error{Op: op, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Issuer.Join(path), strings.NewReader(form.Encode()))
	if err != nil {
		return &Error{Op: op, Err: errRequest}
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(op, req, out)
}

// sendJSON sends in, if it is not nil, with token as the bearer.
func (c *Client) sendJSON(ctx context.Context, op, method, path, token string, in, out any) error {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return &Error{Op: op, Err: errRequest}
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Issuer.Join(path), body)
	if err != nil {
		return &Error{Op: op, Err: errRequest}
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return c.do(op, req, out)
}

func (c *Client) do(op string, req *http.Request, out any) error {
	req.Header.Set("Accept", "application/json")
	resp, err := c.http().Do(req)
	if err != nil {
		return &Error{Op: op, Err: noAnswer(err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return &Error{Op: op, Err: noAnswer(err)}
	case len(body) > maxBody:
		return &Error{Op: op, Status: resp.StatusCode, Err: errTooLarge}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return newError(op, resp, body)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &Error{Op: op, Status: resp.StatusCode, Err: errUnreadable}
	}
	return nil
}

// http is the configured client without redirects: a 307 would send the secret
// on to wherever it points.
func (c *Client) http() *http.Client {
	hc := defaultHTTP
	if c.HTTPClient != nil {
		hc = c.HTTPClient
	}
	copied := *hc
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}

var (
	errRequest    = errors.New("the request cannot be built; check the domain")
	errTooLarge   = errors.New("the answer is too large")
	errUnreadable = errors.New("the answer is not the JSON that was expected")
)
