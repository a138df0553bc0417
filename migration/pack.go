package migration

import (
	"encoding/json"
	"strings"
)

// maxFile is Auth0's bound of an import file, in bytes. The documents say 500 KB
// and the API refuses 512,000; see
// https://auth0.com/docs/manage-users/user-migration/bulk-user-imports
const maxFile = 500_000

// entry is one user in a file.
type entry struct {
	key         string
	digest      string
	memberships []Membership
	start, end  int // of its JSON in the body
}

// file is an import file, a JSON array, that can be taken apart again.
type file struct {
	entries []entry
	body    []byte
	upsert  bool // for users that are there without their second factors
	attempt int  // how often these very users were sent without an answer
}

func (f *file) keys() []string {
	keys := make([]string, len(f.entries))
	for i := range f.entries {
		keys[i] = f.entries[i].key
	}
	return keys
}

// only returns a file of the entries that keep wants, or nil if there are none.
func (f *file) only(keep func(e *entry) bool) *file {
	p := packer{limit: len(f.body), upsert: f.upsert}
	for i := range f.entries {
		if e := &f.entries[i]; keep(e) {
			p.add(*e, f.body[e.start:e.end])
		}
	}
	part := p.flush()
	if part != nil {
		part.attempt = f.attempt
	}
	return part
}

// halves splits a file of two or more users.
func (f *file) halves() []*file {
	half := f.entries[len(f.entries)/2].start
	return []*file{
		f.only(func(e *entry) bool { return e.start < half }),
		f.only(func(e *entry) bool { return e.start >= half }),
	}
}

// keyOfEmail finds a user whom Auth0 names by email only.
func (f *file) keyOfEmail(email string) string {
	for i := range f.entries {
		e := &f.entries[i]
		var u struct{ Email string }
		if json.Unmarshal(f.body[e.start:e.end], &u) == nil && strings.EqualFold(u.Email, email) {
			return e.key
		}
	}
	return ""
}

// packer fills files up to limit bytes.
type packer struct {
	limit  int
	upsert bool
	open   *file
}

// add puts a user into the open file, and returns the one before if it was full.
func (p *packer) add(e entry, user []byte) (full *file) {
	if p.open != nil && len(p.open.body)+len(",")+len(user)+len("]") > p.limit {
		full = p.flush()
	}
	if p.open == nil {
		p.open = &file{body: make([]byte, 0, p.limit), upsert: p.upsert}
		p.open.body = append(p.open.body, '[')
	} else {
		p.open.body = append(p.open.body, ',')
	}
	f := p.open
	e.start = len(f.body)
	f.body = append(f.body, user...)
	e.end = len(f.body)
	f.entries = append(f.entries, e)
	return full
}

// flush returns the open file, or nil.
func (p *packer) flush() *file {
	f := p.open
	if f != nil {
		f.body = append(f.body, ']')
	}
	p.open = nil
	return f
}
