package tenancygrpc_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/tenancygrpc"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

const audience = "https://api.example.com"

// health is a gRPC service that is at hand: Check is unary, Watch a stream.
type health struct {
	healthpb.UnimplementedHealthServer
}

func (health) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return answer(ctx)
}

func (health) Watch(_ *healthpb.HealthCheckRequest, s healthpb.Health_WatchServer) error {
	resp, err := answer(s.Context())
	if err != nil {
		return err
	}
	return s.Send(resp)
}

func answer(ctx context.Context) (*healthpb.HealthCheckResponse, error) {
	if t, ok := tenancy.FromContext(ctx); !ok || t.UserID != "auth0|1" {
		return nil, status.Error(codes.Internal, "no caller")
	}
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
}

func token(i *josetest.Issuer, name string, value any) string {
	c := i.Claims(audience)
	c["org_id"], c["permissions"] = "org_acme", []string{"read:health"}
	if name != "" {
		c = josetest.With(c, name, value)
	}
	return i.Token(josetest.Header("rs"), c)
}

func extractor(t testing.TB, i *josetest.Issuer) *tenancy.Extractor {
	t.Helper()
	v, err := tenancy.NewVerifier(i.ID, audience, tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: i}})
	if err != nil {
		t.Fatal(err)
	}
	x, err := tenancy.NewExtractor(v, tenancy.FromToken, tenancy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// serve runs a real gRPC server over a connection in memory.
func serve(t testing.TB, i *josetest.Issuer, where tenancygrpc.Locator, methods map[string][]tenancy.Requirement) healthpb.HealthClient {
	t.Helper()
	guard, err := tenancygrpc.New(extractor(t, i), where, methods)
	if err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(grpc.UnaryInterceptor(guard.Unary), grpc.StreamInterceptor(guard.Stream))
	healthpb.RegisterHealthServer(server, health{})
	go func() { _ = server.Serve(listener) }() // ends with Stop
	t.Cleanup(server.Stop)
	dial := func(context.Context, string) (net.Conn, error) { return listener.Dial() }
	conn, err := grpc.NewClient("passthrough:///tenancy", grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return healthpb.NewHealthClient(conn)
}

// call asks both the unary and the streaming method, which must agree.
func call(t *testing.T, c healthpb.HealthClient, pairs ...string) *status.Status {
	t.Helper()
	ctx := metadata.AppendToOutgoingContext(t.Context(), pairs...)
	_, unary := c.Check(ctx, &healthpb.HealthCheckRequest{})
	stream, err := c.Watch(ctx, &healthpb.HealthCheckRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(unary) != status.Code(err) {
		t.Fatalf("unary says %v, the stream %v", unary, err)
	}
	return status.Convert(unary)
}

func TestGuard(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	requirements := []tenancy.Requirement{tenancy.AllOf("read:health")}
	c := serve(t, i, tenancygrpc.FromMetadata("organization"), map[string][]tenancy.Requirement{
		"/grpc.health.v1.Health/Check": requirements, "/grpc.health.v1.Health/Watch": requirements,
	})
	good := "Bearer " + token(i, "", nil)
	for name, tc := range map[string]struct {
		pairs []string
		want  codes.Code
	}{
		"good":               {[]string{"authorization", good, "organization", "org_acme"}, codes.OK},
		"no token":           {[]string{"organization", "org_acme"}, codes.Unauthenticated},
		"another scheme":     {[]string{"authorization", "Basic eA==", "organization", "org_acme"}, codes.Unauthenticated},
		"two tokens":         {[]string{"authorization", good, "authorization", good, "organization", "org_acme"}, codes.InvalidArgument},
		"bad token":          {[]string{"authorization", good + "x", "organization", "org_acme"}, codes.Unauthenticated},
		"expired":            {[]string{"authorization", "Bearer " + token(i, "exp", 1000), "organization", "org_acme"}, codes.Unauthenticated},
		"no organization":    {[]string{"authorization", good}, codes.InvalidArgument},
		"two organizations":  {[]string{"authorization", good, "organization", "org_acme", "organization", "org_acme"}, codes.InvalidArgument},
		"other organization": {[]string{"authorization", good, "organization", "org_victim"}, codes.PermissionDenied},
		"token of none":      {[]string{"authorization", "Bearer " + token(i, "org_id", nil), "organization", "org_acme"}, codes.PermissionDenied},
		"no permission":      {[]string{"authorization", "Bearer " + token(i, "permissions", nil), "organization", "org_acme"}, codes.PermissionDenied},
	} {
		if got := call(t, c, tc.pairs...); got.Code() != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
	denied := call(t, c, "authorization", "Bearer "+token(i, "permissions", nil), "organization", "org_acme")
	if info, ok := denied.Details()[0].(*errdetails.ErrorInfo); !ok || info.GetMetadata()["scope"] != "read:health" {
		t.Errorf("the details are %v, want the missing permission", denied.Details())
	}
}

func TestMethodsThatAreNotNamedAreClosed(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := serve(t, i, tenancygrpc.FromToken, nil)
	if got := call(t, c, "authorization", "Bearer "+token(i, "", nil)); got.Code() != codes.PermissionDenied {
		t.Errorf("got %v", got)
	}
}

func TestMethodsWithoutRequirementsNeedACaller(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := serve(t, i, tenancygrpc.FromToken, map[string][]tenancy.Requirement{"/grpc.health.v1.Health/Check": {}, "/grpc.health.v1.Health/Watch": nil})
	if got := call(t, c, "authorization", "Bearer "+token(i, "permissions", nil)); got.Code() != codes.OK {
		t.Errorf("got %v", got)
	}
	if got := call(t, c); got.Code() != codes.Unauthenticated {
		t.Errorf("got %v", got)
	}
}

func TestOutageIsUnavailable(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	i.Answer(http.StatusBadGateway, nil)
	c := serve(t, i, tenancygrpc.FromToken, map[string][]tenancy.Requirement{"/grpc.health.v1.Health/Check": nil, "/grpc.health.v1.Health/Watch": nil})
	got := call(t, c, "authorization", "Bearer "+token(i, "", nil))
	if got.Code() != codes.Unavailable {
		t.Fatalf("got %v", got)
	}
	retry, ok := got.Details()[0].(*errdetails.RetryInfo)
	if d := retry.GetRetryDelay().AsDuration(); !ok || d <= 0 || d > 5*time.Second {
		t.Errorf("the details are %v", got.Details())
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	x := extractor(t, josetest.NewIssuer())
	for name, f := range map[string]func() (*tenancygrpc.Guard, error){
		"no extractor": func() (*tenancygrpc.Guard, error) { return tenancygrpc.New(nil, tenancygrpc.FromToken, nil) },
		"no locator":   func() (*tenancygrpc.Guard, error) { return tenancygrpc.New(x, nil, nil) },
		"method": func() (*tenancygrpc.Guard, error) {
			return tenancygrpc.New(x, tenancygrpc.FromToken, map[string][]tenancy.Requirement{"List": nil})
		},
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func ExampleNew() {
	issuer := josetest.NewIssuer() // stands for Auth0
	v, err := tenancy.NewVerifier(issuer.ID, audience, tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: issuer}})
	if err != nil {
		panic(err)
	}
	x, err := tenancy.NewExtractor(v, tenancy.FromToken, tenancy.Config{})
	if err != nil {
		panic(err)
	}
	guard, err := tenancygrpc.New(x, tenancygrpc.FromMetadata("organization"), map[string][]tenancy.Requirement{
		"/invoices.v1.Invoices/List": {tenancy.AllOf("read:invoices")},
	})
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(guard.Unary), grpc.StreamInterceptor(guard.Stream))
	defer server.Stop()
	_, err = guard.Unary(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/invoices.v1.Invoices/List"}, nil)
	fmt.Println(status.Code(err))
	_, err = guard.Unary(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/invoices.v1.Invoices/Purge"}, nil)
	fmt.Println(status.Code(err))
	// Output:
	// Unauthenticated
	// PermissionDenied
}
