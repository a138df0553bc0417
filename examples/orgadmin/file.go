package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	from   string // The name of the file and the first 7 digits of its SHA-256.
}

var orgID = regexp.MustCompile(`^org_[A-Za-z0-9]{1,46}$`)

// readFile reads YAML, of which JSON is a part. A key that it does not know, or that
// is there twice, or a second document is an error: it would be a list that is not
// looked at.
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
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", name, plain(err))
	}
	if len(file.Organizations) == 0 {
		return nil, errors.New(name + ": the file has no organizations")
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New(name + `: the file goes on after the first document; remove the line "---" and what follows`)
	}
	for id, emails := range file.Organizations {
		switch {
		case !orgID.MatchString(id):
			return nil, fmt.Errorf("%s: %q is not the id of an organization, such as org_0123456789abcdef", name, id)
		case emails == nil:
			return nil, fmt.Errorf("%s: %s has no list; write [] if nobody is meant", name, id)
		}
	}
	hash := sha256.Sum256(text)
	return &declaration{
		orgs: slices.Sorted(maps.Keys(file.Organizations)), emails: file.Organizations,
		from: filepath.Base(name) + "@" + hex.EncodeToString(hash[:])[:7],
	}, nil
}

func (d *declaration) of(org string) delegation.Declared {
	return delegation.Declared{Emails: d.emails[org], From: d.from}
}
