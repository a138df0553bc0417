package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// declaration is what one file declares.
type declaration struct {
	orgs   []string // In order.
	emails map[string][]string
	from   string // The name of the file and a part of its hash.
}

var orgID = regexp.MustCompile(`^org_[A-Za-z0-9]{1,46}$`)

// readFile reads YAML, of which JSON is a part. A key that it does not know, or that
// is there twice, is an error: it would be a list that is not looked at.
func readFile(name string) (*declaration, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var file struct {
		Organizations map[string][]string `yaml:"organizations"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(file.Organizations) == 0 {
		return nil, errors.New(name + ": the file has no organizations")
	}
	for id := range file.Organizations {
		if !orgID.MatchString(id) {
			return nil, fmt.Errorf("%s: %q is not the id of an organization, such as org_0123456789abcdef", name, id)
		}
	}
	return &declaration{
		orgs: slices.Sorted(maps.Keys(file.Organizations)), emails: file.Organizations,
		from: fmt.Sprintf("%s@%.7x", filepath.Base(name), sha256.Sum256(text)),
	}, nil
}

func (d *declaration) of(org string) delegation.Declared {
	return delegation.Declared{Emails: d.emails[org], From: d.from}
}

// keep writes what was applied, for undo, into a file of its own: what was there
// before can still be undone. It has emails: nobody else may read it.
func keep(folder string, done *delegation.Applied) error {
	name := done.Plan.OrgID + ".applied.json"
	for n := 2; ; n++ {
		f, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		switch {
		case err == nil:
			return errors.Join(done.WriteJSON(f), f.Close())
		case !errors.Is(err, fs.ErrExist):
			return err
		}
		name = fmt.Sprintf("%s.applied.%d.json", done.Plan.OrgID, n)
	}
}

func readApplied(name string) (*delegation.Applied, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	done, err := delegation.ReadApplied(f)
	if err == nil && !orgID.MatchString(done.Plan.OrgID) {
		err = errors.New(name + " names no organization")
	}
	return done, err
}
