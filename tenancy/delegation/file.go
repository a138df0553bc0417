package delegation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// planFile is a Plan in a file.
type planFile struct {
	OrgID          string       `json:"org_id"`
	RoleID         string       `json:"role_id"`
	From           string       `json:"from,omitempty"`
	Declared       []string     `json:"declared"`
	Leaving        []string     `json:"leaving,omitempty"`
	State          string       `json:"state"`
	Changes        []changeFile `json:"changes"`
	Before         int          `json:"before"`
	Administrators int          `json:"administrators"`
	Missing        int          `json:"missing,omitempty"`
	Undo           bool         `json:"undo,omitempty"`
}

// changeFile is a Change in a file, without its link.
type changeFile struct {
	Kind         ChangeKind `json:"kind"`
	Email        string     `json:"email,omitempty"`
	UserID       string     `json:"user_id,omitempty"`
	RoleID       string     `json:"role_id,omitempty"`
	InvitationID string     `json:"invitation_id,omitempty"`
	Reason       string     `json:"reason,omitempty"`
	Done         bool       `json:"done,omitempty"`
	Error        string     `json:"error,omitempty"`
}

// appliedFile is an Applied in a file.
type appliedFile struct {
	Plan    planFile     `json:"plan"`
	At      time.Time    `json:"at"`
	Changes []changeFile `json:"changes"`
}

func (p *Plan) file() planFile {
	return planFile{p.OrgID, p.RoleID, p.From, p.Declared, p.Leaving, p.State, filed(p.Changes), p.Before, p.Administrators, p.Missing, p.Undo}
}

func (f planFile) plan() Plan {
	return Plan{f.OrgID, f.RoleID, f.From, f.Declared, f.Leaving, f.State, read(f.Changes), f.Before, f.Administrators, f.Missing, f.Undo}
}

func filed(changes []Change) []changeFile {
	out := make([]changeFile, len(changes))
	for i, c := range changes {
		out[i] = changeFile{c.Kind, c.Email, c.UserID, c.RoleID, c.InvitationID, c.Reason, c.Done, ""}
		if c.Err != nil {
			out[i].Error = c.Err.Error()
		}
	}
	return out
}

// read reads what filed wrote. Of an error the text is kept.
func read(changes []changeFile) []Change {
	out := make([]Change, len(changes))
	for i, f := range changes {
		out[i] = Change{
			Kind: f.Kind, Email: f.Email, UserID: f.UserID, RoleID: f.RoleID, InvitationID: f.InvitationID, Reason: f.Reason, Done: f.Done,
		}
		if f.Error != "" {
			out[i].Err = errors.New(f.Error)
		}
	}
	return out
}

// WriteJSON writes the plan for ReadPlan. It has emails.
func (p *Plan) WriteJSON(w io.Writer) error { return writeJSON(w, p.file()) }

// ReadPlan reads what Plan.WriteJSON wrote. Apply believes only the declaration in
// it, and compares State with what it sees.
func ReadPlan(r io.Reader) (*Plan, error) {
	var f planFile
	if err := readJSON(r, &f); err != nil {
		return nil, err
	}
	return new(f.plan()), nil
}

// WriteJSON writes the result for ReadApplied. It has emails, and no links.
func (a *Applied) WriteJSON(w io.Writer) error {
	return writeJSON(w, appliedFile{a.Plan.file(), a.At, filed(a.Changes)})
}

// ReadApplied reads what Applied.WriteJSON wrote.
func ReadApplied(r io.Reader) (*Applied, error) {
	var f appliedFile
	if err := readJSON(r, &f); err != nil {
		return nil, err
	}
	return &Applied{f.Plan.plan(), f.At, read(f.Changes)}, nil
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func readJSON(r io.Reader, v any) error {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("delegation: the file is not one that WriteJSON wrote: %w", err)
	}
	return nil
}
