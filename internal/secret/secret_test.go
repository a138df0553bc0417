package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/secret"
)

type login struct {
	Name, Password string
	Age            time.Duration
}

func (l login) Format(f fmt.State, _ rune) { secret.Format(f, l) }

func (l login) LogValue() slog.Value {
	return secret.Shown(slog.String("name", l.Name), slog.Duration("age", l.Age))
}

type code struct{ Digits string }

func (c code) Format(f fmt.State, _ rune) { secret.Format(f, c) }

func (c code) LogValue() slog.Value { return secret.Shown() }

func (c code) MarshalJSON() ([]byte, error) { return secret.JSON(c) }

func Example() {
	l := login{Name: "ada", Password: "hunter2", Age: time.Second}
	fmt.Printf("%+v %x\n", l, []*code{{"123456"}}[0])
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	log.Info("login", "by", l, "code", code{"123456"}, "codes", []code{{"123456"}})
	// Output:
	// secret_test.login{name: "ada", age: 1s, …} secret_test.code{…}
	// {"level":"INFO","msg":"login","by":{"name":"ada","age":1000000000},"code":"[hidden]","codes":["secret_test.code{…}"]}
}

// A name with a line break forges no line of a log.
func TestShownTextIsQuoted(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `secret_test.login{name: "a\nb", age: 0s, …}`, fmt.Sprint(login{Name: "a\nb"}))
}

func TestJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(map[string]any{"c": &code{"123456"}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"c":"secret_test.code{…}"}`, string(text))
}

// What embeds a type has its methods, and hides its own fields with it.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	type request struct {
		login
		Token string
	}
	assert.Equal(t, `secret_test.login{name: "ada", age: 0s, …}`, fmt.Sprintf("%+v", request{login{Name: "ada"}, "secret"}))
}
