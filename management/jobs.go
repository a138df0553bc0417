package management

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// maxImport is the size from which Auth0 refuses an import
// (https://auth0.com/docs/manage-users/user-migration/bulk-user-imports).
const maxImport = 512000

// ImportUsers starts a job that imports users. ErrJobSlots means that two are
// running already: wait until one of them is done. After ErrOutcomeUnknown the
// job may be running under an id that nobody knows.
func (c *Client) ImportUsers(ctx context.Context, i resource.Import) (*resource.Job, error) {
	const op = "import users"
	switch {
	case i.ConnectionID == "":
		return nil, invalid(op, "Import.ConnectionID is empty")
	case len(i.Users) == 0:
		return nil, invalid(op, "Import.Users is empty")
	case len(i.Users) >= maxImport:
		return nil, invalid(op, "Import.Users is too large; Auth0 takes less than 512,000 bytes")
	}
	body, contentType, err := importForm(i)
	if err != nil {
		return nil, invalid(op, "the form cannot be built")
	}
	var out sdk.Job
	answer := objectWith("id", &out)
	err = c.call(ctx, op, answer, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.sdk.URI("jobs", "users-imports"), bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", contentType)
		return c.do(req, answer)
	})
	if err != nil {
		return nil, err
	}
	return new(job(&out)), nil
}

// importForm has the parts in the order that Auth0's own SDK sends them.
func importForm(i resource.Import) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	fields := [][2]string{
		{"connection_id", i.ConnectionID}, {"upsert", strconv.FormatBool(i.Upsert)},
		{"external_id", i.ExternalID}, {"send_completion_email", "false"},
	}
	for _, f := range fields {
		if err := form.WriteField(f[0], f[1]); err != nil {
			return nil, "", err
		}
	}
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="users"; filename="users.json"`},
		"Content-Type":        {"application/json"},
	})
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(i.Users); err != nil {
		return nil, "", err
	}
	if err := form.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), form.FormDataContentType(), nil
}

// errStatus stands for an answer of 400 and more; call reads it from the
// transport.
var errStatus = errors.New("status")

// do sends what the SDK cannot build, through the SDK's client.
func (c *Client) do(req *http.Request, out any) error {
	resp, err := c.sdk.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return errStatus
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// Job reads a job. Auth0 keeps jobs for 24 hours; after that it is ErrNotFound.
func (c *Client) Job(ctx context.Context, id string) (*resource.Job, error) {
	var out sdk.Job
	if err := c.get(ctx, "read job", nil, objectWith("status", &out), "jobs", id); err != nil {
		return nil, err
	}
	return new(job(&out)), nil
}

// JobErrors returns why an import job refused users, one entry for each reason.
// It is empty for a job without refusals, for one that is not done, and for one
// that failed as a whole, which Auth0 answers with the job instead of a list.
func (c *Client) JobErrors(ctx context.Context, id string) ([]resource.JobError, error) {
	var out refusals
	answer := &shape{out: &out, optional: true}
	if err := c.get(ctx, "list job errors", nil, answer, "jobs", id, "errors"); err != nil {
		return nil, err
	}
	var all []resource.JobError
	for _, refused := range out {
		userID, _ := refused.User["user_id"].(string)
		email, _ := refused.User["email"].(string)
		for _, reason := range refused.Errors {
			all = append(all, resource.JobError{UserID: userID, Email: email, Code: reason.Code, Path: reason.Path})
		}
	}
	return all, nil
}

// refusals is the answer of the errors endpoint: a list, or a job.
type refusals []sdk.JobError

// UnmarshalJSON takes a job as an empty list.
func (r *refusals) UnmarshalJSON(body []byte) error {
	if has(body, "id") {
		return nil
	}
	return listOf("", "errors", (*[]sdk.JobError)(r)).UnmarshalJSON(body)
}

func job(j *sdk.Job) resource.Job {
	return resource.Job{
		ID: j.GetID(), Status: j.GetStatus(), Download: j.GetLocation(),
		Inserted: j.GetSummary().GetInserted(), Updated: j.GetSummary().GetUpdated(), Failed: j.GetSummary().GetFailed(),
		Left: time.Duration(j.GetTimeLeftSeconds()) * time.Second,
	}
}
