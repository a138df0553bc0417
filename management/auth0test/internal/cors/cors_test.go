package cors

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzClientOf: whatever a request says, its handler reads the body that was sent.
func FuzzClientOf(f *testing.F) {
	for _, seed := range [][4]string{
		{"client_id=a", "", "application/x-www-form-urlencoded", "client_id=b"}, {"", "Bearer a.b.c", "", ""}, {"", "Basic YTo=", "", ""},
		{"", "Bearer e30.eyJhenAiOiJhIn0.x", "", ""}, {"", "", "application/json", `{"client_id":"b"}`}, {"%zz", "DPoP", "application/json", `{"client_id":1`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, query, authorization, kind, body string) {
		r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", kind)
		clientOf(r)
		left, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		assert.Equal(t, body, string(left))
	})
}
