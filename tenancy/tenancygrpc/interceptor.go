// Package tenancygrpc guards gRPC methods for a server that uses package tenancy,
// as that package guards HTTP routes.
//
//	guard, err := tenancygrpc.New(extractor, tenancygrpc.FromMetadata("organization"), map[string][]tenancy.Requirement{
//		"/invoices.v1.Invoices/List":   {tenancy.AllOf("read:invoices")},
//		"/invoices.v1.Invoices/Whoami": {}, // any caller of the organization
//	})
//	…
//	server := grpc.NewServer(grpc.UnaryInterceptor(guard.Unary), grpc.StreamInterceptor(guard.Stream))
//
// A method that is not in the map is refused. Handlers find the caller with
// tenancy.FromContext. The Locator of the Extractor is for HTTP and not used here;
// use tenancy.FromToken for it if the server has no HTTP.
package tenancygrpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/tenancy"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Locator returns the organization that a call is for. Its context has the
// metadata and the TenantContext. Its errors are those of a tenancy.Locator.
type Locator func(ctx context.Context, fullMethod string) (orgID string, err error)

// FromMetadata returns a Locator that reads a key of the call's metadata, which
// must occur exactly once.
func FromMetadata(key string) Locator {
	return func(ctx context.Context, _ string) (string, error) {
		if values := metadata.ValueFromIncomingContext(ctx, key); len(values) == 1 && values[0] != "" {
			return values[0], nil
		}
		return "", fmt.Errorf("%w, or more than one, in the metadata", tenancy.ErrNoTenant)
	}
}

// FromToken returns the organization of the token itself. Handlers must then scope
// everything they read and write by TenantContext.TenantID.
func FromToken(ctx context.Context, _ string) (string, error) {
	if t, ok := tenancy.FromContext(ctx); ok {
		return t.TenantID, nil
	}
	return "", tenancy.ErrNoTenant
}

// Guard holds the interceptors. It is safe for concurrent use.
type Guard struct {
	x       *tenancy.Extractor
	where   Locator
	methods map[string][]tenancy.Requirement
}

// New returns a Guard of the methods by full name, such as
// "/invoices.v1.Invoices/List". All requirements of a method must be met.
func New(x *tenancy.Extractor, where Locator, methods map[string][]tenancy.Requirement) (*Guard, error) {
	switch {
	case x == nil:
		return nil, errors.New("tenancygrpc: New needs an Extractor; it is nil")
	case where == nil:
		return nil, errors.New("tenancygrpc: New needs a Locator; it is nil, and FromToken is the one for calls that name no organization")
	}
	for name := range methods {
		if !strings.HasPrefix(name, "/") || strings.Count(name, "/") != 2 {
			return nil, fmt.Errorf("tenancygrpc: method %q must be /package.Service/Method", name)
		}
	}
	g := &Guard{x: x, where: where, methods: maps.Clone(methods)}
	for name, r := range g.methods {
		g.methods[name] = slices.Clone(r)
	}
	return g, nil
}

// Unary implements grpc.UnaryServerInterceptor. It returns Unauthenticated,
// PermissionDenied (ErrorInfo names the missing permissions), InvalidArgument when
// the call names no organization, or Unavailable (with RetryInfo).
func (g *Guard) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := g.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// Stream implements grpc.StreamServerInterceptor. It decides once, when the stream
// begins; a handler of long streams should check TenantContext.ExpiresAt.
func (g *Guard) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := g.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return handler(srv, &serverStream{ServerStream: stream, ctx: ctx})
}

type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *serverStream) Context() context.Context { return s.ctx }

func (g *Guard) admit(ctx context.Context, method string) (context.Context, error) {
	requirements, ok := g.methods[method]
	if !ok {
		return nil, status.Error(codes.PermissionDenied, "the method is not open to anybody")
	}
	token, err := bearer(ctx)
	if err != nil {
		return nil, err
	}
	where := func(ctx context.Context) (string, error) { return g.where(ctx, method) }
	ctx, err = g.x.Admit(ctx, token, where, requirements...)
	if err != nil {
		return nil, toStatus(err)
	}
	return ctx, nil
}

func bearer(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) > 1 {
		return "", status.Error(codes.InvalidArgument, "more than one authorization")
	}
	if len(values) == 1 {
		if scheme, token, ok := strings.Cut(values[0], " "); ok && strings.EqualFold(scheme, "Bearer") {
			return token, nil
		}
	}
	return "", status.Error(codes.Unauthenticated, "a bearer token is needed")
}

const domain = "tenancy.auth0kit"

func toStatus(err error) error {
	if e, ok := errors.AsType[*tenancy.TokenError](err); ok {
		return status.Error(codes.Unauthenticated, "the access token is refused: "+e.Reason)
	}
	if e, ok := errors.AsType[*tenancy.ForbiddenError](err); ok {
		return withDetails(status.New(codes.PermissionDenied, strings.TrimPrefix(e.Error(), "tenancy: ")), &errdetails.ErrorInfo{
			Reason: "INSUFFICIENT_SCOPE", Domain: domain, Metadata: map[string]string{"scope": strings.Join(e.Missing, " ")},
		})
	}
	switch {
	case errors.Is(err, tenancy.ErrUnavailable):
		wait := time.Second
		if e, ok := errors.AsType[*tenancy.UnavailableError](err); ok {
			wait = e.RetryAfter
		}
		return withDetails(status.New(codes.Unavailable, "try again later"), &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	case errors.Is(err, tenancy.ErrNoTenant):
		return status.Error(codes.PermissionDenied, "the token is for no organization")
	case errors.Is(err, tenancy.ErrForbidden):
		return status.Error(codes.PermissionDenied, "forbidden")
	}
	return status.Error(codes.InvalidArgument, "the call does not say which organization it is for")
}

func withDetails[D protoadapt.MessageV1](s *status.Status, detail D) error {
	if detailed, err := s.WithDetails(detail); err == nil {
		return detailed.Err()
	}
	return s.Err() // a status without its detail still says the code
}
