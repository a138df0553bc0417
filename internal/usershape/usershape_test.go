package usershape

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEmail(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"a@b.co", "a.b+c@sub.example.com", "dot..dot.@example.jp", "ada@bücher.example", "x@1.com", "o'hara@example.com"} {
		assert.Empty(t, Email(s), s)
	}
	for _, s := range []string{
		"", "a", "@b.co", "a@", "a@b", "a@localhost", "a@[10.0.0.1]", "a@10.0.0.1", "a b@c.de", "a\u00a0@c.de", "a\u200b@c.de", "a@-b.co", "a@b-.co",
		"a@b..co", "a@b.co.", "a@b_c.de", "a@@b.co", "a,b@c.de", "<a@b.co>", "a@b.co\n", "\xff@b.co",
	} {
		assert.NotEmpty(t, Email(s), s)
	}
}

func TestReadTakesWhatConnectionsHave(t *testing.T) {
	t.Parallel()
	assert.Equal(t, Connection{MinUsername: 1, MaxUsername: 15}, Read(nil))
	assert.Equal(t, Connection{MinUsername: 1, MaxUsername: 15}, Read(map[string]any{"requires_username": "yes", "validation": 3}))
	assert.Equal(t, Connection{Usernames: true, MustHaveName: true, MinUsername: 2, MaxUsername: 15},
		Read(map[string]any{"requires_username": true, "validation": map[string]any{"username": map[string]any{"min": 2}}}))
}

func FuzzCheck(f *testing.F) {
	f.Add("key", "ada@example.com", "ada", "+491", "name", "k", "v")
	f.Fuzz(func(t *testing.T, id, email, username, phone, name, key, value string) {
		u := User{ID: id, Email: email, Username: username, Phone: phone, Name: name, UserMetadata: map[string]any{key: value}}
		c := Connection{Usernames: true, MinUsername: 1, MaxUsername: 15}
		if v, ok := c.Check(&u); ok != (v == Violation{}) {
			t.Errorf("%v and %v", v, ok)
		} else if ok && (!Printable(id+email+username+phone+name+key) || email == "" || id == "") {
			t.Errorf("%q passes", []string{id, email, username, phone, name, key})
		}
	})
}
