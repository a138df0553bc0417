package tenancy

import (
	"fmt"
	"log/slog"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Format hides NonceKeys from package fmt.
func (c GuardConfig) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue hides NonceKeys from log/slog.
func (c GuardConfig) LogValue() slog.Value {
	return secret.Shown(slog.String("PublicURL", c.PublicURL))
}

// MarshalJSON hides them wherever something that contains c is logged as JSON.
func (c GuardConfig) MarshalJSON() ([]byte, error) { return secret.JSON(c) }

// Format hides the token from package fmt.
func (c Call) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue hides the token from log/slog.
func (c Call) LogValue() slog.Value { return secret.Shown() }

// MarshalJSON hides it wherever something that contains c is logged as JSON.
func (c Call) MarshalJSON() ([]byte, error) { return secret.JSON(c) }
