package migration

import (
	"encoding/json"
	"strings"
	"sync/atomic"
)

// maxFile is Auth0's bound of an import file, in bytes. The documents say 500 KB
// and the API refuses 512,000; see
// https://auth0.com/docs/manage-users/user-migration/bulk-user-imports
const maxFile = 500_000

// entry is one user in a file.
type entry struct {
	key        string
	digest     string
	places     places
	start, end int // of its JSON in the body
}

// file is an import file, a JSON array, that can be taken apart again.
type file struct {
	entries []entry
	body    []byte
	upsert  bool // for users that are there without their second factors
	attempt int  // how often these very users were sent without an answer
	lost    bool // of an earlier process: the keys are known and the users are not, so it cannot be sent again
}

// lostFile is what is left of a file of an earlier process.
func lostFile(keys []string) *file {
	f := &file{lost: true}
	for _, key := range keys {
		f.entries = append(f.entries, entry{key: key})
	}
	return f
}

func (f *file) keys() []string {
	keys := make([]string, len(f.entries))
	for i := range f.entries {
		keys[i] = f.entries[i].key
	}
	return keys
}

// only returns a file of the entries that keep wants, none if there are none.
func (f *file) only(keep func(e *entry) bool) []*file {
	part := &file{upsert: f.upsert, attempt: f.attempt}
	for i := range f.entries {
		if e := &f.entries[i]; keep(e) {
			part.add(*e, f.body[e.start:e.end])
		}
	}
	if len(part.entries) == 0 {
		return nil
	}
	part.body = append(part.body, ']')
	return []*file{part}
}

// halves splits a file of two or more users.
func (f *file) halves() []*file {
	half := f.entries[len(f.entries)/2].start
	return append(f.only(func(e *entry) bool { return e.start < half }), f.only(func(e *entry) bool { return e.start >= half })...)
}

// again is the file of the users who are missing, once more. The users of a lost
// file are sent by the scan.
func (f *file) again(missing map[string]bool) []*file {
	if f.lost {
		return nil
	}
	rest := f.only(func(e *entry) bool { return missing[e.key] })
	for _, r := range rest {
		r.attempt++
	}
	return rest
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

// add puts a user into a file that is open.
func (f *file) add(e entry, user []byte) {
	mark := byte(',')
	if len(f.entries) == 0 {
		mark = '['
	}
	f.body = append(f.body, mark)
	e.start = len(f.body)
	f.body = append(f.body, user...)
	e.end = len(f.body)
	f.entries = append(f.entries, e)
}

// packer fills files up to limit bytes, which may fall while it does.
type packer struct {
	limit  *atomic.Int64
	upsert bool
	open   *file
}

// add puts a user into the open file, and returns the one before if it was full.
func (p *packer) add(e entry, user []byte) (full *file) {
	limit := int(p.limit.Load())
	if p.open != nil && len(p.open.body)+len(",")+len(user)+len("]") > limit {
		full = p.flush()
	}
	if p.open == nil {
		p.open = &file{body: make([]byte, 0, limit), upsert: p.upsert}
	}
	p.open.add(e, user)
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
