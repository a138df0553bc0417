package tenancygrpc_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

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

func tenancyGuard(t testing.TB, i *josetest.Issuer, cfg tenancy.GuardConfig) *tenancy.Guard {
	t.Helper()
	v, err := tenancy.NewVerifier(i.ID, audience, tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: i}})
	require.NoError(t, err)
	cfg.FirstParty, cfg.Logger = []string{"client"}, slog.New(slog.DiscardHandler)
	g, err := tenancy.NewGuard(v, cfg)
	require.NoError(t, err)
	return g
}

// serve runs a real gRPC server over a connection in memory.
func serve(t testing.TB, i *josetest.Issuer, where tenancygrpc.Locator, methods map[string]tenancygrpc.Access) healthpb.HealthClient {
	t.Helper()
	return serveGuard(t, tenancyGuard(t, i, tenancy.GuardConfig{}), where, methods, tenancygrpc.Config{})
}

func serveGuard(t testing.TB, g *tenancy.Guard, where tenancygrpc.Locator, methods map[string]tenancygrpc.Access, cfg tenancygrpc.Config) healthpb.HealthClient {
	t.Helper()
	guard, err := tenancygrpc.New(g, where, methods, cfg)
	require.NoError(t, err)
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
	c := serve(t, i, tenancygrpc.FromMetadata("organization"), map[string]tenancygrpc.Access{
		"/grpc.health.v1.Health/*": tenancygrpc.Require(tenancy.AllOf("read:health")),
	})
	good := "Bearer " + token(i, "", nil)
	for name, tc := range map[string]struct {
		pairs []string
		want  codes.Code
	}{
		"good":               {[]string{"authorization", good, "organization", "org_acme"}, codes.OK},
		"two spaces":         {[]string{"authorization", "bearer  " + good[7:], "organization", "org_acme"}, codes.OK},
		"scheme alone":       {[]string{"authorization", "Bearer ", "organization", "org_acme"}, codes.InvalidArgument},
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

// Calls without a token, or with what is none, are told of as HTTP tells of them.
func TestRefusedCallsAreTold(t *testing.T) {
	t.Parallel()
	i, told := josetest.NewIssuer(), make(chan tenancy.Refusal, 10)
	g := tenancyGuard(t, i, tenancy.GuardConfig{OnRefuse: func(_ context.Context, r tenancy.Refusal) { told <- r }})
	c := serveGuard(t, g, tenancygrpc.FromToken, map[string]tenancygrpc.Access{
		"/grpc.health.v1.Health/*": tenancygrpc.Require(tenancy.Authenticated()),
	}, tenancygrpc.Config{})
	for _, authorization := range []string{"Basic eA==", "Bearer ", "Bearer junk"} {
		call(t, c, "authorization", authorization)
		require.Len(t, told, 2, "%s: unary and stream", authorization)
		for range 2 {
			r := <-told
			require.Equal(t, 401, r.Status)
			require.Contains(t, r.Route, "/grpc.health.v1.Health/")
		}
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

func TestMethodsWithoutRequirementsAreClosed(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := serve(t, i, tenancygrpc.FromToken, map[string]tenancygrpc.Access{"/grpc.health.v1.Health/*": {}})
	require.Equal(t, codes.PermissionDenied, call(t, c, "authorization", "Bearer "+token(i, "", nil)).Code())
}

func TestAuthenticatedNeedsACaller(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := serve(t, i, tenancygrpc.FromToken, map[string]tenancygrpc.Access{"/grpc.health.v1.Health/*": tenancygrpc.Require(tenancy.Authenticated())})
	require.Equal(t, codes.OK, call(t, c, "authorization", "Bearer "+token(i, "permissions", nil)).Code())
	require.Equal(t, codes.Unauthenticated, call(t, c).Code())
}

// Probes of Kubernetes and reflection have no token; a method's own access wins
// over that of its service.
func TestOpenMethods(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	g := tenancyGuard(t, i, tenancy.GuardConfig{})
	guard, err := tenancygrpc.New(g, tenancygrpc.FromToken, map[string]tenancygrpc.Access{
		"/grpc.health.v1.Health/*":     tenancygrpc.Open(),
		"/grpc.health.v1.Health/Watch": tenancygrpc.Require(tenancy.Authenticated()),
	}, tenancygrpc.Config{})
	require.NoError(t, err)
	handler := func(context.Context, any) (any, error) { return "reached", nil }
	got, err := guard.Unary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "/grpc.health.v1.Health/Check"}, handler)
	require.NoError(t, err)
	require.Equal(t, "reached", got)
	for _, method := range []string{"/grpc.health.v1.Health/Watch", "/other.Service/Check", "nonsense"} {
		_, err = guard.Unary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: method}, handler)
		require.Error(t, err, method)
	}
}

func TestLocatorSeesTheMessage(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+token(i, "", nil)))
	guard, err := tenancygrpc.New(tenancyGuard(t, i, tenancy.GuardConfig{}), tenancygrpc.FromToken, map[string]tenancygrpc.Access{
		"/a.B/C": tenancygrpc.Require(tenancy.Custom(func(_ context.Context, _ *tenancy.TenantContext, r tenancy.Request) error {
			if r.Method != "/a.B/C" || r.Message.(*healthpb.HealthCheckRequest).GetService() == "" {
				return tenancy.ErrForbidden
			}
			return nil
		})).At(tenancygrpc.FromMessage((*healthpb.HealthCheckRequest).GetService)),
	}, tenancygrpc.Config{})
	require.NoError(t, err)
	for org, want := range map[string]codes.Code{"org_acme": codes.OK, "org_victim": codes.PermissionDenied, "": codes.InvalidArgument} {
		_, err := guard.Unary(ctx, &healthpb.HealthCheckRequest{Service: org}, &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}, func(context.Context, any) (any, error) { return nil, nil })
		require.Equal(t, want, status.Code(err), org)
	}
	_, err = guard.Unary(ctx, "another message", &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}, nil)
	require.Equal(t, codes.Unavailable, status.Code(err))
}

func TestStepUpAndNotFound(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := serve(t, i, tenancygrpc.FromToken, map[string]tenancygrpc.Access{
		"/grpc.health.v1.Health/*": tenancygrpc.Require(tenancy.StepUp(5*time.Minute, "urn:mfa")),
	})
	got := call(t, c, "authorization", "Bearer "+token(i, "", nil))
	require.Equal(t, codes.Unauthenticated, got.Code())
	require.Equal(t, map[string]string{"acr_values": "urn:mfa", "max_age": "300"}, got.Details()[0].(*errdetails.ErrorInfo).GetMetadata())
	gone := func(context.Context, *tenancy.TenantContext, tenancy.Request) error { return tenancy.ErrNotFound }
	c = serve(t, i, tenancygrpc.FromToken, map[string]tenancygrpc.Access{"/grpc.health.v1.Health/*": tenancygrpc.Require(tenancy.Custom(gone))})
	require.Equal(t, codes.NotFound, call(t, c, "authorization", "Bearer "+token(i, "", nil)).Code())
}

// stream is one that is under way: it ends with its context.
type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s stream) Context() context.Context { return s.ctx }
func (s stream) SendMsg(any) error        { return nil }
func (s stream) RecvMsg(any) error        { return nil }

// A revocation ends a stream within Recheck.
func TestStreamsAreDecidedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		cutoff, err := tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{})
		require.NoError(t, err)
		guard, err := tenancygrpc.New(tenancyGuard(t, i, tenancy.GuardConfig{Cutoff: cutoff}), tenancygrpc.FromToken,
			map[string]tenancygrpc.Access{"/a.B/C": tenancygrpc.Require(tenancy.Authenticated())}, tenancygrpc.Config{})
		require.NoError(t, err)
		ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+token(i, "", nil)))
		begun := time.Now()
		err = guard.Stream(nil, stream{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: "/a.B/C"}, func(_ any, s grpc.ServerStream) error {
			require.NoError(t, s.SendMsg("one"))
			require.NoError(t, s.RecvMsg(nil))
			time.Sleep(90 * time.Second)
			require.NoError(t, s.SendMsg("two"))
			require.NoError(t, cutoff.RevokeAccess(t.Context(), "auth0|1"))
			<-s.Context().Done()
			require.Equal(t, codes.Unauthenticated, status.Code(s.SendMsg("three")))
			require.Equal(t, codes.Unauthenticated, status.Code(s.RecvMsg(nil)))
			return nil
		})
		require.Equal(t, codes.Unauthenticated, status.Code(err))
		require.Equal(t, 2*time.Minute, time.Since(begun))
	})
}

// silent is a stream whose client sends nothing.
type silent struct{ stream }

func (s silent) RecvMsg(any) error {
	<-s.ctx.Done()
	return status.FromContextError(s.ctx.Err()).Err()
}

// A handler that waits for its client hears of a revocation too.
func TestSilentStreamsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		cutoff, err := tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{})
		require.NoError(t, err)
		guard, err := tenancygrpc.New(tenancyGuard(t, i, tenancy.GuardConfig{Cutoff: cutoff}), tenancygrpc.FromToken,
			map[string]tenancygrpc.Access{"/a.B/C": tenancygrpc.Require(tenancy.Authenticated())}, tenancygrpc.Config{})
		require.NoError(t, err)
		for _, revoked := range []bool{false, true} {
			ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+token(i, "", nil)))
			ctx, cancel := context.WithTimeout(ctx, 90*time.Second) // the client goes away
			begun := time.Now()
			err = guard.Stream(nil, silent{stream{ctx: ctx}}, &grpc.StreamServerInfo{FullMethod: "/a.B/C"}, func(_ any, s grpc.ServerStream) error {
				if revoked {
					time.Sleep(time.Second)
					require.NoError(t, cutoff.RevokeAccess(t.Context(), "auth0|1"))
				}
				return s.RecvMsg(nil)
			})
			cancel()
			if revoked {
				require.Equal(t, codes.Unauthenticated, status.Code(err))
				require.Equal(t, time.Minute, time.Since(begun))
			} else {
				require.Equal(t, codes.DeadlineExceeded, status.Code(err))
			}
		}
	})
}

// Requirements run on a goroutine of the stream: one that does not return must not
// end the process, nor leave the stream open.
func TestStreamWhoseRequirementDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(){"panic": func() { panic("x") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i, dies := josetest.NewIssuer(), false
				custom := tenancy.Custom(func(context.Context, *tenancy.TenantContext, tenancy.Request) error {
					if dies {
						die()
					}
					return nil
				})
				guard, err := tenancygrpc.New(tenancyGuard(t, i, tenancy.GuardConfig{}), tenancygrpc.FromToken,
					map[string]tenancygrpc.Access{"/a.B/C": tenancygrpc.Require(custom)}, tenancygrpc.Config{})
				require.NoError(t, err)
				ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+token(i, "", nil)))
				err = guard.Stream(nil, stream{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: "/a.B/C"}, func(_ any, s grpc.ServerStream) error {
					dies = true
					<-s.Context().Done()
					return nil
				})
				require.Equal(t, codes.Internal, status.Code(err))
			})
		})
	}
}

func TestOutageIsUnavailable(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	i.Answer(http.StatusBadGateway, nil)
	c := serve(t, i, tenancygrpc.FromToken, map[string]tenancygrpc.Access{"/grpc.health.v1.Health/*": tenancygrpc.Require(tenancy.Authenticated())})
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
	g := tenancyGuard(t, josetest.NewIssuer(), tenancy.GuardConfig{})
	for want, f := range map[string]func() (*tenancygrpc.Guard, error){
		"Guard": func() (*tenancygrpc.Guard, error) {
			return tenancygrpc.New(nil, tenancygrpc.FromToken, nil, tenancygrpc.Config{})
		},
		"Locator": func() (*tenancygrpc.Guard, error) { return tenancygrpc.New(g, nil, nil, tenancygrpc.Config{}) },
		"Recheck": func() (*tenancygrpc.Guard, error) {
			return tenancygrpc.New(g, tenancygrpc.FromToken, nil, tenancygrpc.Config{Recheck: -1})
		},
		"List": func() (*tenancygrpc.Guard, error) {
			return tenancygrpc.New(g, tenancygrpc.FromToken, map[string]tenancygrpc.Access{"List": tenancygrpc.Open()}, tenancygrpc.Config{})
		},
	} {
		_, err := f()
		require.ErrorContains(t, err, want)
	}
}

func ExampleNew() {
	issuer := josetest.NewIssuer() // stands for Auth0
	v, err := tenancy.NewVerifier(issuer.ID, audience, tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: issuer}})
	if err != nil {
		panic(err)
	}
	shared, err := tenancy.NewGuard(v, tenancy.GuardConfig{FirstParty: []string{"spa-client-id"}})
	if err != nil {
		panic(err)
	}
	guard, err := tenancygrpc.New(shared, tenancygrpc.FromMetadata("organization"), map[string]tenancygrpc.Access{
		"/invoices.v1.Invoices/List": tenancygrpc.Require(tenancy.AllOf("read:invoices")),
		"/grpc.health.v1.Health/*":   tenancygrpc.Open(),
	}, tenancygrpc.Config{})
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
