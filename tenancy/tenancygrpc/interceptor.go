// Package tenancygrpc guards gRPC methods for a server that uses package tenancy,
// as that package guards HTTP routes.
//
//	package main
//
//	import (
//		"log"
//		"net"
//
//		"google.golang.org/grpc"
//
//		"github.com/auth0kit/auth0kit/tenancy"
//		"github.com/auth0kit/auth0kit/tenancy/tenancygrpc"
//	)
//
//	func main() {
//		v, err := tenancy.NewVerifier("tenant.eu.auth0.com", "https://api.example.com", tenancy.VerifierConfig{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		guard, err := tenancy.NewGuard(v, tenancy.GuardConfig{FirstParty: []string{"your-client-id"}})
//		if err != nil {
//			log.Fatal(err)
//		}
//		methods, err := tenancygrpc.New(guard, tenancygrpc.FromMetadata("organization"), map[string]tenancygrpc.Access{
//			"/invoices.v1.Invoices/List":   tenancygrpc.Require(tenancy.AllOf("read:invoices")),
//			"/invoices.v1.Invoices/Get":    tenancygrpc.Require(tenancy.AllOf("read:invoices")).At(tenancygrpc.FromMessage((*GetRequest).GetParent)),
//			"/invoices.v1.Invoices/Whoami": tenancygrpc.Require(tenancy.Authenticated()),
//			"/grpc.health.v1.Health/*":     tenancygrpc.Open(),
//		}, tenancygrpc.Config{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		server := grpc.NewServer(grpc.UnaryInterceptor(methods.Unary), grpc.StreamInterceptor(methods.Stream))
//		// Register the services here.
//		listener, err := net.Listen("tcp", "127.0.0.1:8080")
//		if err != nil {
//			log.Fatal(err)
//		}
//		log.Fatal(server.Serve(listener))
//	}
//
//	// GetRequest stands for a message that protoc-gen-go has made.
//	type GetRequest struct{ Parent string }
//
//	func (m *GetRequest) GetParent() string { return m.Parent }
//
// A method that the map does not name is refused. Handlers find the caller with
// tenancy.FromContext. Tokens that are bound to a key (DPoP) are for HTTP alone.
package tenancygrpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/auth0kit/auth0kit/tenancy"
)

// Locator returns the organization that a call is for. Its context has the
// metadata and the TenantContext; message is the request, and nil for streams,
// which are decided before their first message. Its errors are those of a
// tenancy.Locator.
type Locator func(ctx context.Context, fullMethod string, message any) (tenancy.Org, error)

// FromMetadata returns a Locator that reads an id from a key of the call's metadata,
// which must occur exactly once.
func FromMetadata(key string) Locator {
	return func(ctx context.Context, _ string, _ any) (tenancy.Org, error) {
		if values := metadata.ValueFromIncomingContext(ctx, key); len(values) == 1 && values[0] != "" {
			return tenancy.Org{ID: values[0]}, nil
		}
		return tenancy.Org{}, fmt.Errorf("%w, or more than one, in the metadata", tenancy.ErrNoTenant)
	}
}

// FromMessage returns a Locator that reads an id from the request message, by a
// method such as (*pb.ListRequest).GetParent. It does not work for streams.
func FromMessage[M any](field func(M) string) Locator {
	return func(_ context.Context, method string, message any) (tenancy.Org, error) {
		m, ok := message.(M)
		if !ok {
			return tenancy.Org{}, fmt.Errorf("tenancygrpc: FromMessage is used for %s, whose message is a %T", method, message)
		}
		if id := field(m); id != "" {
			return tenancy.Org{ID: id}, nil
		}
		return tenancy.Org{}, fmt.Errorf("%w in the message", tenancy.ErrNoTenant)
	}
}

// FromToken returns the organization of the token itself. Handlers must then scope
// everything they read and write by TenantContext.TenantID.
func FromToken(ctx context.Context, _ string, _ any) (tenancy.Org, error) {
	if t, ok := tenancy.FromContext(ctx); ok {
		return tenancy.Org{ID: t.TenantID}, nil
	}
	return tenancy.Org{}, tenancy.ErrNoTenant
}

// Access says who may call a method. The zero value is nobody.
type Access struct {
	open         bool
	where        Locator
	requirements []tenancy.Requirement
}

// Require opens a method to callers who meet all the requirements.
func Require(r tenancy.Requirement, more ...tenancy.Requirement) Access {
	return Access{requirements: append([]tenancy.Requirement{r}, more...)}
}

// Open opens a method to everybody, with or without a token, as health checks and
// reflection need it. Handlers find no caller.
func Open() Access { return Access{open: true} }

// At returns the same access with a Locator of its own.
func (a Access) At(where Locator) Access {
	a.where = where
	return a
}

// Config holds a Guard's optional settings. The zero value uses the defaults.
type Config struct {
	// Recheck is how often a stream that is under way is decided again. A caller who
	// may no longer call gets the status of Unary at the next message, and the
	// context of the handler is canceled. Defaults to 1 minute.
	Recheck time.Duration
}

// Guard holds the interceptors. It is safe for concurrent use.
type Guard struct {
	g       *tenancy.Guard
	where   Locator
	methods map[string]Access
	recheck time.Duration
}

// New returns a Guard of the methods by full name, such as
// "/invoices.v1.Invoices/List", or "/invoices.v1.Invoices/*" for all of a service
// that are not named. where is used for methods without a Locator of their own.
func New(g *tenancy.Guard, where Locator, methods map[string]Access, cfg Config) (*Guard, error) {
	switch {
	case g == nil:
		return nil, errors.New("tenancygrpc: New needs a tenancy.Guard; it is nil")
	case where == nil:
		return nil, errors.New("tenancygrpc: New needs a Locator; it is nil, and FromToken is the one for calls that name no organization")
	case cfg.Recheck < 0:
		return nil, errors.New("tenancygrpc: Config.Recheck must not be negative")
	}
	for name := range methods {
		if !strings.HasPrefix(name, "/") || strings.Count(name, "/") != 2 || strings.HasSuffix(name, "/") {
			return nil, fmt.Errorf("tenancygrpc: method %q must be /package.Service/Method or /package.Service/*", name)
		}
	}
	if cfg.Recheck == 0 {
		cfg.Recheck = time.Minute
	}
	return &Guard{g: g, where: where, methods: maps.Clone(methods), recheck: cfg.Recheck}, nil
}

// access returns that of the method, or of its service.
func (g *Guard) access(method string) Access {
	if a, ok := g.methods[method]; ok {
		return a
	}
	return g.methods[method[:strings.LastIndexByte(method, '/')+1]+"*"]
}

// Unary implements grpc.UnaryServerInterceptor. It returns Unauthenticated
// (ErrorInfo says so when the user has to step up), PermissionDenied (ErrorInfo
// names the missing permissions), NotFound, InvalidArgument when the call names no
// organization, or Unavailable (with RetryInfo).
func (g *Guard) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	a := g.access(info.FullMethod)
	if a.open {
		return handler(ctx, req)
	}
	ctx, err := g.admit(ctx, info.FullMethod, a, req)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (g *Guard) admit(ctx context.Context, method string, a Access, message any) (context.Context, error) {
	if len(a.requirements) == 0 {
		return nil, status.Error(codes.PermissionDenied, "the method is not open to anybody")
	}
	token, err := bearer(ctx)
	if err != nil { // the guard tells of it
		_, _ = g.g.AdmitCall(ctx, tenancy.Call{Request: tenancy.Request{Method: method, Message: message}}, a.requirements...)
		return nil, err
	}
	where := g.where
	if a.where != nil {
		where = a.where
	}
	ctx, err = g.g.AdmitCall(ctx, tenancy.Call{
		Token:   token,
		Where:   func(ctx context.Context) (tenancy.Org, error) { return where(ctx, method, message) },
		Request: tenancy.Request{Method: method, Message: message},
	}, a.requirements...)
	if err != nil {
		return nil, toStatus(err)
	}
	return ctx, nil
}

// bearer reads a token as HTTP does: one space or more (RFC 6750 section 2.1).
func bearer(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) > 1 {
		return "", status.Error(codes.InvalidArgument, "more than one authorization")
	}
	if len(values) == 1 {
		scheme, token, _ := strings.Cut(values[0], " ")
		if token = strings.TrimLeft(token, " "); strings.EqualFold(scheme, "Bearer") {
			if token == "" || strings.ContainsAny(token, " \t,") {
				return "", status.Error(codes.InvalidArgument, "authorization is not Bearer and one token")
			}
			return token, nil
		}
	}
	return "", status.Error(codes.Unauthenticated, "a bearer token is needed")
}
