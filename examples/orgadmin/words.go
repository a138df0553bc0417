package main

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// worded is an error in words for who writes the file and gives the flags.
type worded struct {
	text string
	error
}

func (w worded) Error() string { return w.text }
func (w worded) Unwrap() error { return w.error }

// terms are this program's names for what packages name by theirs.
var terms = strings.NewReplacer(
	"Config.MaxRemovals", "-max-removals",
	"set Config.AllowEmpty if that is meant", "give -allow-empty if that is meant",
	"Config.Onboarding brings in nobody", "PORTAL_CLIENT_ID is not set, so that nobody is invited",
	"another role than this Service's", "another role than ADMIN_ROLE_ID",
)

// word returns an error in words of flags and variables.
func word(err error) error {
	if err == nil {
		return nil
	}
	text := terms.Replace(err.Error())
	if errors.Is(err, delegation.ErrLastAdmin) {
		text += "; -min-admins is how many"
	}
	// Auth0 answers 400 to an id that cannot be one.
	if e, is := errors.AsType[*resource.Error](err); is && (e.StatusCode == http.StatusNotFound || e.StatusCode == http.StatusBadRequest) {
		switch e.Op {
		case "read role":
			text = "ADMIN_ROLE_ID: there is no such role"
		case "list organization connections":
			text = "there is no such organization"
		}
	}
	if text == err.Error() {
		return err
	}
	return worded{text, err}
}

// inWords puts the errors of changes into words.
func inWords(changes []delegation.Change) {
	for i := range changes {
		changes[i].Err = word(changes[i].Err)
	}
}

var numbered = regexp.MustCompile(`Declared\.Emails\[(\d+)\]$`)

// entry says which entry of a file is no email, without showing it: what stands
// there may be somebody's address but for one letter.
func entry(file string, err error) error {
	if !errors.Is(err, delegation.ErrEmail) {
		return err
	}
	found := numbered.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	var i int
	if _, scan := fmt.Sscan(found[1], &i); scan != nil {
		return err
	}
	return worded{fmt.Sprintf("%s: entry %d of this organization is not an email address", file, i+1), err}
}

var (
	unknownKey = regexp.MustCompile(`field (\S+) not found in type .*`)
	otherType  = regexp.MustCompile("(?s)cannot unmarshal .* into .*") // It shows what stands there.
)

// plain puts an error of the YAML package into plain words.
func plain(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.Join(strings.Fields(strings.TrimPrefix(text, "unmarshal errors:")), " ")
	text = unknownKey.ReplaceAllString(text, `there is no key "$1"; the only one is organizations`)
	return errors.New(otherType.ReplaceAllString(text, "each organization needs a list of emails, such as org_0123456789abcdef: [ada@example.com]"))
}
