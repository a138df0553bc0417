package delegation

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNormal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" Ada@Example.COM ": "ada@example.com", "ada+x@example.com": "ada+x@example.com",
		"ada@Bücher.example": "ada@xn--bcher-kva.example", "ADA@XN--BCHER-KVA.example": "ada@xn--bcher-kva.example",
	} {
		got, err := normal(in)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	// A domain has no empty label and no end beyond its last one (RFC 5321, 4.1.2), and
	// of two spellings of a mailbox one would be taken for somebody else.
	for _, in := range []string{
		"ada@example.com.", "ada@example.com\u3002", "ada@example..com", "ada@.example.com", "ada@.", "ada@" + strings.Repeat("a", 64) + ".com",
	} {
		_, err := normal(in)
		assert.ErrorIs(t, err, ErrEmail, in)
	}
	assert.True(t, same("Ada@bücher.Example", "ada@xn--bcher-kva.example"))
	assert.False(t, same("", ""))
	assert.False(t, same("\u212Aim@example.com", "kim@example.com"), "a Kelvin sign is no k in a mailbox")
	assert.False(t, same("adm\u0130n@example.com", "admin@example.com"))
	assert.True(t, same("\u00C9ric@example.com", "\u00E9ric@example.com"))
}

func FuzzNormal(f *testing.F) {
	for _, s := range []string{"ada@example.com", "Ada@Bücher.example", `a"b@c.de`, "a@b@c", "a\u200b@c.de", "@", "ﬀ@x.de", "a@ß.de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := normal(s)
		if err != nil {
			return
		}
		again, err := normal(n)
		if err != nil || again != n {
			t.Errorf("%q is %q, and that is %q, %v", s, n, again, err)
		}
		if strings.ContainsAny(n, "\"\\ ()<>\n\t") || strings.Count(n, "@") != 1 {
			t.Errorf("%q became %q, which a search would misread", s, n)
		}
	})
}
