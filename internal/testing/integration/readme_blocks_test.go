package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/sqlsource"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/session"
)

// The Go blocks of README.md, so that the compiler reads them as well:
// TestREADME looks each one up in this file.
var _ = []any{readmeManagement, readmeTenant, readmeMigration, readmeSession, readmeActions, readmeGuardian, readmeRisk}

func readmeManagement(ctx context.Context) error {
	client, err := management.New(management.Config{
		Domain:       "tenant.eu.auth0.com",
		ClientID:     os.Getenv("AUTH0_CLIENT_ID"),
		ClientSecret: os.Getenv("AUTH0_CLIENT_SECRET"),
	})
	if err != nil {
		return err
	}
	user, err := client.User(ctx, "auth0|5f7c8ec7c33c6c004bbafe82")
	if errors.Is(err, management.ErrNotFound) {
		return nil
	}
	fmt.Println(user.Name)
	return err
}

func readmeTenant(ctx context.Context) error {
	tenant := auth0test.NewTenant(auth0test.Options{Plan: auth0test.Enterprise})
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse battery")
	tenant.Fault("PATCH /api/v2/users/{id}", auth0test.Fault{CutAfter: true, Times: 1})

	client := tenant.Management() // a *management.Client, in process
	_, err := client.UpdateUser(ctx, id, resource.UserPatch{Name: new("Ada")})
	return err
}

func readmeMigration(ctx context.Context, db *sql.DB, client *management.Client) error {
	source, err := sqlsource.New(db, sqlsource.Postgres, "members", sqlsource.Columns{
		Key: "id", Email: "mail", Password: "password_hash",
	}, sqlsource.Config{})
	if err != nil {
		return err
	}
	runner, err := migration.NewRunner(source, client, migration.NewMemoryLedger(), migration.Run{
		Source: "members-production", Connection: "customers", KeyPrefix: "members|",
	}, migration.Config{})
	if err != nil {
		return err
	}
	plan, err := runner.Plan(ctx) // writes nothing
	if err != nil {
		return err
	}
	fmt.Println(plan.Direct+plan.Converted, "keep their password,", plan.LazyOnly, "at their next login")
	result, err := runner.Run(ctx) // resumes where it was stopped
	fmt.Println(result)
	return err
}

func readmeActions(mux *http.ServeMux, recorder audit.Recorder, keys [][]byte) error {
	pipeline, err := actions.New(actions.PostLogin,
		actions.Suspended("Your account is suspended."),
		actions.MetadataClaims("https://example.com/", "plan"),
		actions.Track(recorder),
	)
	if err != nil {
		return err
	}
	handler, err := actions.Handler(keys, actions.HandlerConfig{}, pipeline)
	if err != nil {
		return err
	}
	mux.Handle("POST /auth0/actions", handler)
	return nil
}

func readmeSession(ctx context.Context) error {
	sessions, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		return err
	}
	token, _, err := sessions.Create(ctx, session.Login{UserID: "auth0|ada", AuthTime: time.Now()})
	if err != nil {
		return err
	}
	current, err := sessions.Validate(ctx, token)
	fmt.Println(current.ID)
	return err
}

func readmeGuardian(ctx context.Context, client *management.Client, store driver.Store, keys [][]byte, code string) error {
	factors, err := guardian.New(client, guardian.Config{Store: store, Keys: keys, Issuer: "Example"})
	if err != nil {
		return err
	}
	key, err := factors.EnrollTOTP(ctx, "auth0|ada", "ada@example.com", nil) // nil: the first factor
	if err != nil {
		return err
	}
	qr, err := key.SVG() // show it once, then factors.ConfirmTOTP
	if err != nil {
		return err
	}
	proof, err := factors.Verify(ctx, guardian.Request{UserID: "auth0|ada", Factor: guardian.LocalTOTP, Code: code})
	fmt.Println(len(qr), proof)
	return err
}

func readmeRisk(ctx context.Context, keys [][]byte, enforcer risk.Enforcer, login risk.Login) error {
	detector, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		return err
	}
	engine, err := risk.New(detector, risk.Config{Enforcer: enforcer})
	if err != nil {
		return err
	}
	decision, err := engine.Evaluate(ctx, login) // after the password
	if err != nil {
		return err
	}
	err = engine.Apply(ctx, decision) // nil only if the login may go on now
	return err
}
