package integration

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// go-auth0's own tests run live against the tenant: they are compiled from the
// module cache, and each runs in a process of its own because many of them
// dereference nil after a failed assertion.
//
// AUTH0KIT_SUITE chooses what runs: unset, the fixed subset below; "all", every
// test that talks to the API; else a regular expression over their names. The
// tests of suiteMissing may fail: they have a line in the table.

const suitePackage = "github.com/auth0/go-auth0/management"

// suiteSubset is what runs in every CI run.
var suiteSubset = regexp.MustCompile(`^Test(` + strings.Join([]string{
	`UserManager_(Create|Read|Update|Delete|List|Search|ListByEmail|Roles|Permissions|Organizations|Link|Unlink)`,
	`RoleManager_\w+`,
	`JobManager_(ImportUsers|ReadErrors|ExportUsers|VerifyEmail)`,
	`TicketManager_\w+`,
	`OrganizationManager_(Create|Read|ReadByName|Update|Delete|List|Members|MembersCheckpointPagination|MemberRoles|Invitations|Connections)`,
	`ResourceServer_(Create|Read|Update|Delete|List)`,
	`ClientManager_\w+`, `ClientGrantManager_\w+`,
	`ConnectionManager_(CreateDBConnectionWithDifferentOptions|EnabledClients|List|Delete|\w*SCIM\w*|(Read|Rotate)Keys)`,
	`Guardian`, `LogManager\w*`, `ActionManager_(Create|CreateWithDeploy|Bindings|DeployVersion)`, `AttackProtection`, `Anomaly`,
	`LogStreamManager_Update`, `TenantManager`, `SigningKey`, `StatManager_\w+`,
}, "|") + `)$`)

// suiteMissing are tests of what the tenant does not have: applications that
// register themselves, deliveries of event streams.
var suiteMissing = regexp.MustCompile(`^Test(` + strings.Join([]string{
	`Client_CIMDFields`, `EventStreamManager_Integration`,
}, "|") + `)$`)

// suiteTime bounds one test; some sleep for a minute by themselves.
const suiteTime = 3 * time.Minute

func TestGoAuth0Suite(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs go-auth0's test suite, which takes minutes")
	}
	binary, dir := buildSuite(t)
	chosen := suiteSubset
	switch env := os.Getenv("AUTH0KIT_SUITE"); env {
	case "":
	case "all":
		chosen = regexp.MustCompile(`.`)
	default:
		chosen = regexp.MustCompile(env)
	}
	var results suiteResults
	for _, name := range suiteTests(t, binary, dir) {
		if !chosen.MatchString(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := runSuiteTest(t, binary, dir, name)
			results.add(name, out, err)
			if err != nil && !suiteMissing.MatchString(name) && notForAnyTenant[name] == "" {
				t.Errorf("%v\n%s", err, tail(out, 4000))
			}
		})
	}
	t.Cleanup(func() { results.report(t) })
}

// buildSuite compiles the tests; the binary runs in the package's directory.
func buildSuite(t *testing.T) (binary, dir string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", suitePackage).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", suitePackage, err)
	}
	binary = filepath.Join(t.TempDir(), "suite.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, suitePackage)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compile the suite: %v\n%s", err, out)
	}
	return binary, strings.TrimSpace(string(out))
}

// suiteTests are the top-level tests of the binary that talk to the API: those
// of which there is a recording.
func suiteTests(t *testing.T, binary, dir string) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), binary, "-test.list", "^Test")
	list.Env = append(os.Environ(), "AUTH0_DOMAIN=localhost", "AUTH0_CLIENT_ID=none", "AUTH0_CLIENT_SECRET=none")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list the suite: %v", err)
	}
	recordings := filepath.Join(filepath.Dir(dir), "test", "data", "recordings")
	return slices.DeleteFunc(strings.Fields(string(out)), func(name string) bool {
		_, file := os.Stat(filepath.Join(recordings, name+".yaml"))
		_, folder := os.Stat(filepath.Join(recordings, name))
		return file != nil && folder != nil
	})
}

// runSuiteTest runs one test in a process of its own against a new tenant.
func runSuiteTest(t *testing.T, binary, dir, name string) (string, error) {
	t.Helper()
	tenant := usedTenant(t)
	server := tenant.Start()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, server.CAPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), suiteTime)
	defer cancel()
	run := exec.CommandContext(ctx, binary, "-test.v", "-test.run", "^"+name+"$")
	run.Dir = dir
	run.Env = append(os.Environ(), "SSL_CERT_FILE="+ca, "AUTH0_DOMAIN="+server.Domain, "AUTH0_HTTP_RECORDINGS=",
		"AUTH0_CLIENT_ID="+tenant.Machine().ID, "AUTH0_CLIENT_SECRET="+tenant.Machine().Secret)
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	err := run.Run()
	if ctx.Err() != nil {
		err = errors.Join(err, ctx.Err())
	}
	if missing := unimplemented(tenant); err != nil && missing != "" {
		err = fmt.Errorf("%w; not implemented: %s", err, missing)
	}
	return out.String(), err
}

// usedTenant is a tenant such as the suite expects, which its authors run it
// against: older than the end of rules and hooks, with a log, and with a user
// who logged in.
func usedTenant(t *testing.T) *auth0test.Tenant {
	t.Helper()
	tenant := auth0test.NewTenant(auth0test.Options{RulesAndHooks: true, IgnoredSettings: []string{"*"}, Outgoing: auth0test.HandlerTransport(http.NotFoundHandler())})
	tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	if _, err := tenant.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	loginRoute(t, tenant, machineToken(t, tenant))
	client := tenant.Management()
	for range 25 {
		if err := client.SetFactor(t.Context(), "otp", false); err != nil {
			t.Fatal(err)
		}
	}
	return tenant
}

// reason says in a line why a test failed.
func reason(err error, out string) string {
	if _, missing, found := strings.Cut(err.Error(), "; "); found {
		return missing
	}
	if _, rest, found := strings.Cut(out, "Error:"); found {
		return strings.Join(strings.Fields(rest[:min(160, len(rest))]), " ")
	}
	return err.Error()
}

// unimplemented names the requests that the tenant answered with 501.
func unimplemented(tenant *auth0test.Tenant) string {
	var missing []string
	for _, r := range tenant.Requests() {
		if route := r.Method + " " + idInPath.ReplaceAllString(r.Path, "/{id}"); r.Status == 501 && !slices.Contains(missing, route) {
			missing = append(missing, route)
		}
	}
	return strings.Join(missing, ", ")
}

// idInPath finds ids, which differ from run to run.
var idInPath = regexp.MustCompile(`/(?:[a-z]+_[A-Za-z0-9]{16,}|\w+%7C[^/]+|[A-Za-z0-9-]{24,})`)

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// notForAnyTenant are tests that fail for reasons of their own: most of
// their cassettes were made by hand, and Auth0's schema refuses what they send.
var notForAnyTenant = map[string]string{
	"TestDeviceCredentials_Create": "sends a device_id that Auth0's schema refuses",
	"TestDeviceCredentials_Delete": "sends a type that Auth0's schema refuses",
	"TestDeviceCredentials_List":   "sends a type that Auth0's schema refuses",

	"TestCustomDomainManager_ReadDefault": "expects a domain that the tenant of its authors has",
}

// suiteResults collects what became of each test, for the table in the docs.
type suiteResults struct {
	mu   sync.Mutex
	rows []string

	passed, skipped, failed int
}

func (r *suiteResults) add(name, out string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	verdict := "pass"
	switch {
	case err != nil:
		r.failed++
		verdict = "fails: " + cmp.Or(notForAnyTenant[name], strings.ReplaceAll(reason(err, out), "|", "/"))
	case strings.Contains(out, "--- SKIP: "+name+" "):
		r.skipped++
		verdict = "skipped by the suite itself in live mode"
	default:
		r.passed++
	}
	r.rows = append(r.rows, fmt.Sprintf("| %s | %s |", name, verdict))
}

func (r *suiteResults) report(t *testing.T) {
	slices.Sort(r.rows)
	sum := fmt.Sprintf("%d pass, %d are skipped by the suite itself, %d fail.", r.passed, r.skipped, r.failed)
	t.Logf("go-auth0's suite: %s", sum)
	writeConformance(t, "suite", sum+"\n\n| test | result |\n|---|---|\n"+strings.Join(r.rows, "\n")+"\n")
}
