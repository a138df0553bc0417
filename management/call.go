package management

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// outcome is what the transport saw of one call. It travels in the context
// because the SDK drops Auth0's error code, and the cause of a failure when the
// context has ended.
type outcome struct {
	op         string
	err        *resource.Error // No answer.
	status     int             // The last answer's, with the next four.
	writes     bool
	requests   int
	limited    int // Answers of 429.
	waited     time.Duration
	doubt      bool // An earlier attempt of a write may have been carried out.
	code       string
	message    string
	retryAfter time.Duration
}

type outcomeKey struct{}

// call runs f, which makes one request, and turns its failure, or an answer that
// is not of that shape, into a *resource.Error.
func (c *Client) call(ctx context.Context, op string, answer *shape, f func(ctx context.Context) error) (failed error) {
	o := &outcome{op: op}
	defer func() { c.http.report(ctx, op, o, unexpected(ctx, failed)) }()
	err := guarded(func() error { return f(context.WithValue(ctx, outcomeKey{}, o)) })
	if err == nil {
		err = answer.check(o.status)
	}
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*resource.Error](err); ok {
		return operation(op, e)
	}
	return o.failure(err)
}

type expectedKey struct{}

// expecting says that these errors of the calls under the returned context are
// answers, so that OnCall counts no failure.
func expecting(ctx context.Context, answers ...error) context.Context {
	return context.WithValue(ctx, expectedKey{}, answers)
}

func unexpected(ctx context.Context, err error) error {
	if answers, _ := ctx.Value(expectedKey{}).([]error); isAny(err, answers...) {
		return nil
	}
	return err
}

// guarded turns into an error what the SDK panics with when an answer has
// another type than it knows, such as a number for email_verified.
func guarded(f func() error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case reflect.Type:
			err = errors.New("unexpected type " + p.String())
		default:
			panic(p)
		}
	}()
	return f()
}

// failure explains err, of which only the existence counts: its text is the
// SDK's and echoes URLs and messages.
func (o *outcome) failure(err error) error {
	switch {
	case o.err != nil:
		return operation(o.op, o.err)
	case o.status >= 400:
		e := &resource.Error{Op: o.op, StatusCode: o.status, Code: o.code, Message: o.message, RetryAfter: o.retryAfter}
		if o.doubt || retryStatus(o.status) && o.writes {
			e.Err = resource.ErrOutcomeUnknown
		}
		return e
	case o.status == 0:
		return &resource.Error{Op: o.op, Err: fmt.Errorf("%w: the request cannot be built", resource.ErrInvalid)}
	}
	unreadable := fmt.Errorf("%w: the answer is not the JSON that was expected", resource.ErrUnavailable)
	if o.writes {
		unreadable = fmt.Errorf("%w: %w", resource.ErrOutcomeUnknown, unreadable)
	}
	return &resource.Error{Op: o.op, StatusCode: o.status, Err: unreadable}
}

// operation puts op into an error of the transport, which does not know it. A
// failed token call keeps its own.
func operation(op string, err error) error {
	e, ok := errors.AsType[*resource.Error](err)
	if !ok {
		return err
	}
	if e.Op == opToken || e.Op == op {
		return e
	}
	return operationNamed(e, op)
}

func operationNamed(e *resource.Error, op string) *resource.Error {
	named := *e
	named.Op = op
	return &named
}

// send makes one request with in, which may be nil, as its JSON body and decodes
// the answer into out; nil is for those without content.
func (c *Client) send(ctx context.Context, op, method string, in any, out *shape, path ...string) error {
	if err := checkPath(op, path); err != nil {
		return err
	}
	payload := in
	if out != nil {
		payload = &exchange{in, out}
	}
	return c.call(ctx, op, out, func(ctx context.Context) error {
		return c.sdk.Request(ctx, method, c.sdk.URI(path...), payload)
	})
}

// get reads path with query into out.
func (c *Client) get(ctx context.Context, op string, query url.Values, out *shape, path ...string) error {
	if err := checkPath(op, path); err != nil {
		return err
	}
	options := make([]sdk.RequestOption, 0, len(query))
	for name := range query {
		options = append(options, sdk.Parameter(name, query.Get(name)))
	}
	return c.call(ctx, op, out, func(ctx context.Context) error {
		return c.sdk.Request(ctx, "GET", c.sdk.URI(path...), out, options...)
	})
}

// checkPath refuses what would reach another resource than the one meant: an
// empty id turns "delete this user" into "delete /users/", dots climb.
func checkPath(op string, path []string) error {
	for _, segment := range path {
		switch segment {
		case "":
			return invalid(op, "an id is empty")
		case ".", "..":
			return invalid(op, "an id is a dot")
		}
	}
	return nil
}

// invalid is what was refused before sending.
func invalid(op, problem string) error {
	return &resource.Error{Op: op, Err: fmt.Errorf("%w: %s", resource.ErrInvalid, problem)}
}

// isNotImplemented tells an endpoint that is not there from a resource that is
// not.
func isNotImplemented(err error) bool {
	e, ok := errors.AsType[*resource.Error](err)
	return ok && e.StatusCode == http.StatusNotImplemented
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
