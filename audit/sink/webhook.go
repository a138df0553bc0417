package sink

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/encode"
)

// Webhook is a Kind: it posts events to an https address, signed as Standard Webhooks
// says (https://www.standardwebhooks.com), once with each of the target's secrets.
// Receivers compare webhook-id with those that they have. The body is
//
//	{"type": "audit.events", "timestamp": "…", "events": […]}
//
// or has type "audit.checkpoint" and a checkpoint. 2xx is taken, whatever the body says;
// 400, 413 and 422 are rejections; everything else is tried again. Retry-After is not
// heeded: pauses grow from a second to five minutes.
func Webhook(t auditlog.Target) (auditlog.Deliver, error) {
	return webhook(t, publicClient())
}

// PrivateWebhook returns a Kind that posts with a client of your own, which may reach
// addresses that are not public, and http too.
func PrivateWebhook(client *http.Client) auditlog.Kind {
	return func(t auditlog.Target) (auditlog.Deliver, error) {
		if client == nil {
			return nil, errors.New("sink: client is nil")
		}
		own := *client
		own.CheckRedirect = noRedirect
		return webhook(t, &own)
	}
}

func webhook(t auditlog.Target, client *http.Client) (auditlog.Deliver, error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || isPublic(client)) {
		return nil, errors.New("sink: Target.URL must be an https address without user and fragment")
	}
	secrets, err := parseSecrets(t.Secrets)
	if err != nil {
		return nil, err
	}
	if err := encode.Check(t.Encoding); err != nil {
		return nil, err
	}
	return func(ctx context.Context, d auditlog.Delivery) error {
		body, err := bodyOf(t.Encoding, d)
		if err != nil {
			return err
		}
		return post(ctx, client, t.URL, d.Key, body, secrets)
	}, nil
}

// parseSecrets reads "whsec_" and base64 of 24 to 64 bytes. An empty secret would
// verify nothing.
func parseSecrets(all []string) ([][]byte, error) {
	bad := errors.New("sink: Target.Secrets must be one or more of the form whsec_ and base64 of 24 to 64 random bytes")
	var keys [][]byte
	for _, s := range all {
		text, ok := strings.CutPrefix(s, "whsec_")
		key, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(key) < 24 || len(key) > 64 {
			return nil, bad
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, bad
	}
	return keys, nil
}

type payload struct {
	Type       string            `json:"type"`
	Timestamp  time.Time         `json:"timestamp"`
	Events     []json.RawMessage `json:"events,omitempty"`
	Checkpoint string            `json:"checkpoint,omitempty"`
}

func bodyOf(f auditlog.Format, d auditlog.Delivery) ([]byte, error) {
	p := payload{Type: "audit.events", Timestamp: time.Now().UTC().Truncate(time.Second), Checkpoint: string(d.Checkpoint)}
	if len(d.Checkpoint) > 0 {
		p.Type = "audit.checkpoint"
	}
	for _, e := range d.Entries {
		text, err := encode.Event(f, e)
		if err != nil {
			return nil, err
		}
		p.Events = append(p.Events, text)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("sink: encoding a delivery: %w", err)
	}
	return body, nil
}

// sign returns the value of webhook-signature.
func sign(secrets [][]byte, id, timestamp string, body []byte) string {
	var out []string
	for _, key := range secrets {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(out, " ")
}

func post(ctx context.Context, client *http.Client, address, id string, body []byte, secrets [][]byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return failure{class: "address"}
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "auth0kit-audit")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", now)
	req.Header.Set("webhook-signature", sign(secrets, id, now, body))
	resp, err := client.Do(req)
	if err != nil {
		return failure{class: classOf(err)}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection is used again
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == 400 || resp.StatusCode == 413 || resp.StatusCode == 422:
		return failure{class: "status " + strconv.Itoa(resp.StatusCode), cause: auditlog.ErrRejected}
	}
	return failure{class: "status " + strconv.Itoa(resp.StatusCode)}
}
