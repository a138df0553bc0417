package management

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
)

// exportFields are the fields of resource.User, under Auth0's names.
var exportFields = []string{
	"user_id", "email", "email_verified", "username", "phone_number", "phone_verified", "name", "given_name",
	"family_name", "nickname", "picture", "blocked", "app_metadata", "user_metadata", "created_at", "updated_at", "last_login", "logins_count",
}

const (
	firstPoll = 125 * time.Millisecond
	lastPoll  = 10 * time.Second
)

// ExportUsers yields all users of a connection: it starts a job, waits for it
// and reads its file as it downloads, so that memory does not grow with the
// number of users. fields are Auth0's names and default to those of
// [resource.User]; Connection is never set. The file is what the tenant held at
// some moment of the job.
//
// The file lies with a storage provider. It is fetched with Config.HTTPClient,
// without the token and without that client's Timeout: ctx is the bound.
func (c *Client) ExportUsers(ctx context.Context, connectionID string, fields ...string) iter.Seq2[resource.User, error] {
	return func(yield func(resource.User, error) bool) {
		url, err := c.export(ctx, connectionID, fields)
		if err == nil {
			err = c.download(ctx, url, len(fields) == 0 || slices.Contains(fields, "user_id"), yield)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(resource.User{}, err)
		}
	}
}

const opExport = "export users"

// errStopped says that the consumer wants no more.
var errStopped = errors.New("stopped")

// export starts the job and waits for its end. A second job after an unknown
// outcome changes nothing, hence Idempotent.
func (c *Client) export(ctx context.Context, connectionID string, fields []string) (url string, err error) {
	if connectionID == "" {
		return "", invalid(opExport, "the connection id is empty")
	}
	if len(fields) == 0 {
		fields = exportFields
	}
	type field struct {
		Name string `json:"name"`
	}
	in := struct {
		ConnectionID string  `json:"connection_id"`
		Format       string  `json:"format"`
		Fields       []field `json:"fields"`
	}{connectionID, "json", convert(fields, func(name string) field { return field{name} })}
	var started sdk.Job
	if err := c.send(Idempotent(ctx), opExport, "POST", &in, objectWith("id", &started), "jobs", "users-exports"); err != nil {
		return "", err
	}
	current := new(job(&started))
	for pause := firstPoll; !current.Done(); pause = min(2*pause, lastPoll) {
		if err := retry.Sleep(ctx, pause); err != nil {
			return "", &resource.Error{Op: opExport, Err: noAnswer(err)}
		}
		if current, err = c.Job(ctx, started.GetID()); err != nil {
			return "", operation(opExport, err)
		}
	}
	if current.Status != "completed" || current.Download == "" {
		return "", &resource.Error{Op: opExport, Err: errors.New("the job failed at Auth0")}
	}
	return current.Download, nil
}

func (c *Client) download(ctx context.Context, url string, ids bool, yield func(resource.User, error) bool) (err error) {
	o := new(outcome)
	defer func() {
		failed := err
		if errors.Is(err, errStopped) {
			failed = nil
		}
		c.http.report(ctx, "download users", o, failed)
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil || req.URL.Scheme != "https" && req.URL.Scheme != c.cfg.issuer.Scheme() || req.URL.Host == "" {
		return &resource.Error{Op: opExport, Err: errors.New("Auth0 named no usable download address")}
	}
	hc := *c.cfg.HTTPClient
	hc.Timeout = 0
	o.requests++
	resp, err := hc.Do(req)
	if err != nil {
		return &resource.Error{Op: opExport, Err: fmt.Errorf("%w: %w", resource.ErrUnavailable, noAnswer(err))}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &resource.Error{Op: opExport, StatusCode: resp.StatusCode, Err: errors.New("the download was refused")}
	}
	err = readUsers(resp.Body, ids, maxAnswer, yield)
	if err != nil && !errors.Is(err, errStopped) {
		return &resource.Error{Op: opExport, Err: silent{err, "the download broke off or is damaged"}}
	}
	return err
}

// perUser ends with an error when one user is too large.
type perUser struct {
	io.Reader
	left int
}

func (p *perUser) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, errTooLarge
	}
	n, err := p.Reader.Read(b)
	p.left -= n
	return n, err
}

// readUsers reads NDJSON, compressed or not: net/http may have undone it. Users are
// no larger than most, and have ids if these were asked for.
func readUsers(r io.Reader, ids bool, most int, yield func(resource.User, error) bool) error {
	buffered := bufio.NewReader(r)
	var lines io.Reader = buffered
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return err
		}
		lines = unzipped
	}
	bounded := &perUser{Reader: lines}
	decoder := json.NewDecoder(bounded)
	for {
		var u sdk.User
		bounded.left = most
		switch err := guarded(func() error { return decoder.Decode(&u) }); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case ids && u.GetID() == "":
			return errShape
		}
		if !yield(exported(&u), nil) {
			return errStopped
		}
	}
}

// exported is a user of an export file, where ids of a database connection may
// lack the provider.
func exported(u *sdk.User) resource.User {
	out := user(u)
	if out.ID != "" && !strings.Contains(out.ID, "|") {
		out.ID = "auth0|" + out.ID
	}
	return out
}
