package resource_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

func ExampleError() {
	var err error = &resource.Error{
		Op: "read user", StatusCode: 404, Code: "inexistent_user",
		Message: "The user does not exist.",
	}
	err = fmt.Errorf("billing: %w", err)

	fmt.Println(err)
	fmt.Println(errors.Is(err, resource.ErrNotFound))
	if e, ok := errors.AsType[*resource.Error](err); ok {
		fmt.Println(e.Code)
	}
	// Output:
	// billing: auth0: read user: 404 Not Found (inexistent_user)
	// true
	// inexistent_user
}

func TestErrorIs(t *testing.T) {
	t.Parallel()
	sentinels := []error{
		resource.ErrNotFound, resource.ErrConflict, resource.ErrRateLimited, resource.ErrForbidden, resource.ErrUnauthorized,
		resource.ErrInvalid, resource.ErrUnavailable, resource.ErrJobSlots, resource.ErrOutcomeUnknown,
	}
	slots := "There are 2 active import users jobs, please wait until some of them are finished and try again"
	for _, c := range []struct {
		err  *resource.Error
		want []error
	}{
		{&resource.Error{StatusCode: 400}, []error{resource.ErrInvalid}},
		{&resource.Error{StatusCode: 401}, []error{resource.ErrUnauthorized}},
		{&resource.Error{StatusCode: 403}, []error{resource.ErrForbidden}},
		{&resource.Error{StatusCode: 404}, []error{resource.ErrNotFound}},
		{&resource.Error{StatusCode: 408}, []error{resource.ErrUnavailable}},
		{&resource.Error{StatusCode: 409}, []error{resource.ErrConflict}},
		{&resource.Error{StatusCode: 413}, []error{resource.ErrInvalid}},
		{&resource.Error{StatusCode: 418}, nil},
		{&resource.Error{StatusCode: 429}, []error{resource.ErrRateLimited}},
		{&resource.Error{StatusCode: 429, Message: slots}, []error{resource.ErrRateLimited, resource.ErrJobSlots}},
		{&resource.Error{StatusCode: 503}, []error{resource.ErrUnavailable}},
		{&resource.Error{Err: io.ErrUnexpectedEOF}, nil},
		{&resource.Error{Err: resource.ErrOutcomeUnknown}, []error{resource.ErrOutcomeUnknown}},
	} {
		var got []error
		for _, s := range sentinels {
			if errors.Is(c.err, s) {
				got = append(got, s)
			}
		}
		if c.err.NotFound() != errors.Is(c.err, resource.ErrNotFound) {
			t.Errorf("status %d: NotFound() = %t", c.err.StatusCode, c.err.NotFound())
		}
		if fmt.Sprint(got) != fmt.Sprint(reorder(sentinels, c.want)) {
			t.Errorf("status %d (%v) is %v, want %v", c.err.StatusCode, c.err.Err, got, c.want)
		}
	}
}

func reorder(order, set []error) (out []error) {
	for _, o := range order {
		for _, s := range set {
			if o == s {
				out = append(out, o)
			}
		}
	}
	return out
}

func TestErrorTextHasNoMessage(t *testing.T) {
	t.Parallel()
	err := &resource.Error{
		Op: "create user", StatusCode: 429, Code: "too_many_requests",
		Message: "user ann@example.com", RetryAfter: 3 * time.Second, Err: resource.ErrUnavailable,
	}
	const want = "auth0: create user: 429 Too Many Requests (too_many_requests), retry after 3s: unavailable"
	if err.Error() != want {
		t.Errorf("%q, want %q", err.Error(), want)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, v := range []any{
		resource.NewUser{User: resource.User{Email: secret}, Password: secret},
		&resource.NewUser{Password: secret},
		resource.UserPatch{Password: new(secret), Email: new(secret)},
		resource.NewAuthenticationMethod{TOTPSecret: secret, Phone: secret, Email: secret},
		resource.EnrollmentTicket{ID: secret, URL: secret},
		resource.Action{Code: secret, Secrets: map[string]string{"k": secret}},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, secret) {
				t.Errorf("%s of %T prints a secret: %s", verb, v, out)
			}
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("value", "v", v)
		if strings.Contains(log.String(), secret) {
			t.Errorf("a log of %T prints a secret: %s", v, &log)
		}
	}
}
