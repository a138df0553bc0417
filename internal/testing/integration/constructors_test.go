package integration

import (
	"context"
	"database/sql"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/actions/sqlactions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/geoip"
	"github.com/auth0kit/auth0kit/anomaly/redisanomaly"
	"github.com/auth0kit/auth0kit/anomaly/sqlanomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auth0logs"
	"github.com/auth0kit/auth0kit/audit/pgaudit"
	"github.com/auth0kit/auth0kit/audit/slogaudit"
	"github.com/auth0kit/auth0kit/audit/sqlaudit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/passkey"
	"github.com/auth0kit/auth0kit/guardian/redisguardian"
	"github.com/auth0kit/auth0kit/guardian/sqlguardian"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/customdb"
	"github.com/auth0kit/auth0kit/migration/filesource"
	"github.com/auth0kit/auth0kit/migration/lazy"
	"github.com/auth0kit/auth0kit/migration/sqlmigration"
	"github.com/auth0kit/auth0kit/migration/sqlsource"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/redisrisk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
	"github.com/auth0kit/auth0kit/risk/sqlrisk"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
	"github.com/auth0kit/auth0kit/session/redissession"
	"github.com/auth0kit/auth0kit/session/redissession/goredis"
	"github.com/auth0kit/auth0kit/session/sqlsession"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
	"github.com/auth0kit/auth0kit/tenancy/delegation/pgdelegation"
	"github.com/auth0kit/auth0kit/tenancy/redistenancy"
	"github.com/auth0kit/auth0kit/tenancy/tenancygrpc"
)

// A probe holds a constructor to what all have in common: it refuses what is
// missing by its name, and negative times and sizes unless their doc gives them a
// meaning. It does no I/O, so what it is given need not work.
type probe struct{ *testing.T }

// refuses takes the answer of a constructor that must say what is wrong.
func (p probe) refuses(what string) func(v any, err error) {
	return func(v any, err error) {
		p.Helper()
		assert.ErrorContains(p, err, what)
		if r := reflect.ValueOf(v); r.IsValid() && r.Kind() != reflect.Struct {
			assert.True(p, r.IsNil(), "%s: an error, and %T beside it", what, v)
		}
	}
}

// negatives sets each number of a config to -1. Fields in meant have a meaning then.
func negatives[C any](p probe, base C, construct func(C) error, meant ...string) {
	p.Helper()
	require.NoError(p, construct(base), "a config that should do")
	for i := range reflect.TypeFor[C]().NumField() {
		c := base
		field, name := reflect.ValueOf(&c).Elem().Field(i), reflect.TypeFor[C]().Field(i).Name
		switch {
		case !field.CanSet():
			continue
		case field.CanInt():
			field.SetInt(-1)
		case field.CanFloat():
			field.SetFloat(-1)
		default:
			continue
		}
		if err := construct(c); slices.Contains(meant, name) {
			assert.NoError(p, err, "%s has a meaning below 0", name)
		} else {
			assert.ErrorContains(p, err, name, "%s is -1", name)
		}
	}
}

func second(_ any, err error) error { return err }

// What exists and is never used.
type (
	anyStore     struct{ anomaly.Store }
	anyRedis     struct{ rueidis.Client }
	anyGoredis   struct{ redis.UniversalClient }
	anySource    struct{ migration.Source }
	anyTarget    struct{ migration.Target }
	anyScripts   struct{ customdb.Target }
	anyDirectory struct{ delegation.Directory }
	anyTenant    struct{ actions.Target }
)

func (anyRedis) Mode() rueidis.ClientMode { return rueidis.ClientModeStandalone }

func anyVerifier(p probe) *tenancy.Verifier {
	v, err := tenancy.NewVerifier("tenant.eu.auth0.com", "api", tenancy.VerifierConfig{})
	require.NoError(p, err)
	return v
}

func anyManager(p probe) *session.Manager {
	m, err := session.New(session.NewMemory(), session.Config{})
	require.NoError(p, err)
	return m
}

var (
	sealKey   = []byte("0123456789abcdef0123456789abcdef")
	bearer    = func(context.Context) (string, error) { return "", nil }
	anyLedger = migration.NewMemoryLedger()
	anyRun    = migration.Run{Source: "s", Connection: "c"}
)

// constructors has each of the module, by its package and name: see
// TestConstructorsAreComplete.
var constructors = map[string]func(p probe){
	"actions.Handler": func(p probe) {
		pipeline, err := actions.New(actions.PostLogin, actions.Suspended("suspended"))
		require.NoError(p, err)
		p.refuses("keys")(actions.Handler(nil, actions.HandlerConfig{}, pipeline))
		p.refuses("pipeline")(actions.Handler([][]byte{sealKey}, actions.HandlerConfig{}, nil))
	},
	"actions.New": func(p probe) { p.refuses("steps")(actions.New(actions.PostLogin)) },
	"actions.NewDeployment": func(p probe) {
		pipeline, err := actions.New(actions.PostLogin, actions.Suspended("suspended"))
		require.NoError(p, err)
		const url = "https://login.example.com/auth0/actions"
		p.refuses("Target")(actions.NewDeployment(nil, pipeline, url, [][]byte{sealKey}, actions.DeploymentConfig{}))
		p.refuses("pipeline")(actions.NewDeployment(anyTenant{}, nil, url, [][]byte{sealKey}, actions.DeploymentConfig{}))
		p.refuses("url")(actions.NewDeployment(anyTenant{}, pipeline, "", [][]byte{sealKey}, actions.DeploymentConfig{}))
		p.refuses("keys")(actions.NewDeployment(anyTenant{}, pipeline, url, nil, actions.DeploymentConfig{}))
		negatives(p, actions.DeploymentConfig{}, func(c actions.DeploymentConfig) error {
			return second(actions.NewDeployment(anyTenant{}, pipeline, url, [][]byte{sealKey}, c))
		})
	},
	"actions.NewMemoryCounter": func(p probe) { assert.NotNil(p, actions.NewMemoryCounter()) },
	"actions/sqlactions.New": func(p probe) {
		keys := [][]byte{sealKey}
		p.refuses("db")(sqlactions.New(nil, sqlactions.SQLite, keys, sqlactions.Config{}))
		p.refuses("dialect")(sqlactions.New(new(sql.DB), 0, keys, sqlactions.Config{}))
		p.refuses("key")(sqlactions.New(new(sql.DB), sqlactions.SQLite, nil, sqlactions.Config{}))
		negatives(p, sqlactions.Config{}, func(c sqlactions.Config) error {
			return second(sqlactions.New(new(sql.DB), sqlactions.SQLite, keys, c))
		})
	},
	"anomaly.New": func(p probe) {
		p.refuses("store")(anomaly.New(nil, [][]byte{sealKey}, anomaly.Config{}))
		p.refuses("keys")(anomaly.New(anyStore{}, nil, anomaly.Config{}))
		negatives(p, anomaly.Config{}, func(c anomaly.Config) error { return second(anomaly.New(anyStore{}, [][]byte{sealKey}, c)) })
	},
	"anomaly.NewMemory":  func(p probe) { assert.NotNil(p, anomaly.NewMemory(-1)) }, // its doc: the default
	"anomaly.ParseModel": func(p probe) { p.refuses("model")(anomaly.ParseModel(nil)) },
	"anomaly/geoip.Open": func(p probe) { p.refuses("Files")(geoip.Open(geoip.Files{})) },
	"anomaly/redisanomaly.New": func(p probe) {
		p.refuses("client")(redisanomaly.New(nil, redisanomaly.Config{}))
		negatives(p, redisanomaly.Config{}, func(c redisanomaly.Config) error { return second(redisanomaly.New(anyRedis{}, c)) })
	},
	"anomaly/sqlanomaly.New": func(p probe) {
		p.refuses("db")(sqlanomaly.New(nil, sqlanomaly.SQLite, sqlanomaly.Config{}))
		p.refuses("dialect")(sqlanomaly.New(new(sql.DB), 0, sqlanomaly.Config{}))
		negatives(p, sqlanomaly.Config{}, func(c sqlanomaly.Config) error { return second(sqlanomaly.New(new(sql.DB), sqlanomaly.SQLite, c)) })
	},
	"audit.NewMemory": func(p probe) { assert.NotNil(p, audit.NewMemory()) },
	"audit/auditlog.New": func(p probe) {
		key, _, err := auditlog.GenerateKey("example.com/log")
		require.NoError(p, err)
		seal, err := auditlog.ParseSeal(key, sealKey)
		require.NoError(p, err)
		p.refuses("store")(auditlog.New(nil, seal, auditlog.Config{}))
		p.refuses("Name")(auditlog.New(auditlog.NewMemoryStore(), auditlog.Seal{}, auditlog.Config{}))
	},
	"audit/auditlog.NewMemoryStore": func(p probe) { assert.NotNil(p, auditlog.NewMemoryStore()) },
	"audit/auditlog.ParseSeal":      func(p probe) { p.refuses("key")(auditlog.ParseSeal("")) },
	"audit/pgaudit.New":             func(p probe) { p.refuses("pool")(pgaudit.New((*pgxpool.Pool)(nil), pgaudit.Config{})) },
	"audit/auth0logs.New": func(p probe) {
		log := &auditlog.Log{}
		p.refuses("tenant")(auth0logs.New("", &management.Client{}, log, auth0logs.Config{}))
		p.refuses("reader")(auth0logs.New("t.auth0.com", nil, log, auth0logs.Config{}))
		p.refuses("Authorization")(auth0logs.New("t.auth0.com", &management.Client{}, log, auth0logs.Config{Authorization: []string{"short"}}))
		p.refuses("negative")(auth0logs.New("t.auth0.com", &management.Client{}, log, auth0logs.Config{Every: -1}))
	},
	"audit/slogaudit.New": func(p probe) { p.refuses("handler")(slogaudit.New(nil)) },
	"audit/sqlaudit.New": func(p probe) {
		p.refuses("db")(sqlaudit.New(nil, sqlaudit.SQLite, sqlaudit.Config{}))
		p.refuses("dialect")(sqlaudit.New(new(sql.DB), 0, sqlaudit.Config{}))
	},
	"guardian.New": func(p probe) {
		p.refuses("Directory")(guardian.New(nil, guardian.Config{}))
		p.refuses("Verifiers")(guardian.New(nil, guardian.Config{Verifiers: map[guardian.Factor]guardian.Verifier{guardian.OTP: nil}}))
		negatives(p, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{sealKey}, Issuer: "Example"},
			func(c guardian.Config) error { return second(guardian.New(nil, c)) })
	},
	"guardian.NewCIBA":   func(p probe) { p.refuses("AuthAPI.Domain")(guardian.NewCIBA(guardian.AuthAPI{})) },
	"guardian.NewMFA":    func(p probe) { p.refuses("AuthAPI.Domain")(guardian.NewMFA(guardian.AuthAPI{})) },
	"guardian.NewMemory": func(p probe) { assert.NotNil(p, guardian.NewMemory()) },
	"guardian.NewPages": func(p probe) {
		s, web := guardianPages(p)
		p.refuses("Service")(guardian.NewPages(nil, web, guardian.PagesConfig{}))
		p.refuses("Sessions")(guardian.NewPages(s, nil, guardian.PagesConfig{}))
		p.refuses("PagesConfig.Path")(guardian.NewPages(s, web, guardian.PagesConfig{Path: "mfa"}))
	},
	"guardian.NewVerifyPages": func(p probe) {
		s, web := guardianPages(p)
		p.refuses("Service")(guardian.NewVerifyPages(nil, web, guardian.PagesConfig{}))
		p.refuses("Browser")(guardian.NewVerifyPages(s, nil, guardian.PagesConfig{}))
	},
	"guardian/passkey.New": func(p probe) {
		p.refuses("Service")(passkey.New(nil, "example.com", []string{"https://example.com"}, passkey.Config{}))
		s, _ := guardianPages(p)
		p.refuses("id")(passkey.New(s, "", []string{"https://example.com"}, passkey.Config{}))
		p.refuses("origins")(passkey.New(s, "example.com", nil, passkey.Config{}))
	},
	"guardian/redisguardian.New": func(p probe) {
		p.refuses("client")(redisguardian.New(nil, redisguardian.Config{}))
		negatives(p, redisguardian.Config{}, func(c redisguardian.Config) error { return second(redisguardian.New(anyRedis{}, c)) })
	},
	"guardian/sqlguardian.New": func(p probe) {
		p.refuses("db")(sqlguardian.New(nil, sqlguardian.SQLite, sqlguardian.Config{}))
		p.refuses("dialect")(sqlguardian.New(new(sql.DB), 0, sqlguardian.Config{}))
	},
	"management.New": func(p probe) {
		p.refuses("Config.Domain")(management.New(management.Config{}))
		negatives(p, management.Config{Domain: "tenant.eu.auth0.com", Token: bearer},
			func(c management.Config) error { return second(management.New(c)) }, "MaxWait")
	},
	"migration.NewMemoryLedger": func(p probe) { assert.NotNil(p, migration.NewMemoryLedger()) },
	"migration.NewRunner": func(p probe) {
		p.refuses("src")(migration.NewRunner(nil, anyTarget{}, anyLedger, anyRun, migration.Config{}))
		p.refuses("dst")(migration.NewRunner(anySource{}, nil, anyLedger, anyRun, migration.Config{}))
		p.refuses("ledger")(migration.NewRunner(anySource{}, anyTarget{}, nil, anyRun, migration.Config{}))
		p.refuses("Run.Connection")(migration.NewRunner(anySource{}, anyTarget{}, anyLedger, migration.Run{}, migration.Config{}))
		negatives(p, migration.Config{}, func(c migration.Config) error {
			return second(migration.NewRunner(anySource{}, anyTarget{}, anyLedger, anyRun, c))
		}, "Grace")
	},
	"migration/customdb.Handler": func(p probe) {
		p.refuses("legacy")(customdb.Handler(nil, [][]byte{sealKey}, customdb.Config{}))
		p.refuses("keys")(customdb.Handler(new(lazy.Lazy), nil, customdb.Config{}))
	},
	"migration/customdb.NewDeployment": func(p probe) {
		const url = "https://login.example.com/"
		p.refuses("target")(customdb.NewDeployment(nil, "c", url, [][]byte{sealKey}, customdb.DeploymentConfig{}))
		p.refuses("connection")(customdb.NewDeployment(anyScripts{}, "", url, [][]byte{sealKey}, customdb.DeploymentConfig{}))
		p.refuses("url")(customdb.NewDeployment(anyScripts{}, "c", "", [][]byte{sealKey}, customdb.DeploymentConfig{}))
		p.refuses("keys")(customdb.NewDeployment(anyScripts{}, "c", url, nil, customdb.DeploymentConfig{}))
	},
	"migration/filesource.New": func(p probe) {
		p.refuses("path")(filesource.Auth0(""))
		cols := migration.Columns{Key: "k", Email: "e"}
		p.refuses("path")(filesource.New("", filesource.CSV, cols, filesource.Config{}))
		p.refuses("format")(filesource.New("f", "xml", cols, filesource.Config{}))
		p.refuses("Columns.Key")(filesource.New("f", filesource.CSV, migration.Columns{}, filesource.Config{}))
		negatives(p, filesource.Config{}, func(c filesource.Config) error { return second(filesource.New("f", filesource.CSV, cols, c)) })
	},
	"migration/lazy.New": func(p probe) {
		p.refuses("src")(lazy.New(nil, anyTarget{}, anyRun, lazy.Config{}))
		p.refuses("dst")(lazy.New(anySource{}, nil, anyRun, lazy.Config{}))
		p.refuses("Run.Connection")(lazy.New(anySource{}, anyTarget{}, migration.Run{}, lazy.Config{}))
		negatives(p, lazy.Config{}, func(c lazy.Config) error { return second(lazy.New(anySource{}, anyTarget{}, anyRun, c)) })
	},
	"migration/sqlmigration.New": func(p probe) {
		p.refuses("db")(sqlmigration.New(nil, sqlmigration.SQLite, sqlmigration.Config{}))
		p.refuses("dialect")(sqlmigration.New(new(sql.DB), 0, sqlmigration.Config{}))
	},
	"migration/sqlsource.New": func(p probe) {
		cols := sqlsource.Columns{Key: "id", Email: "email"}
		p.refuses("db")(sqlsource.New(nil, sqlsource.SQLite, "users", cols, sqlsource.Config{}))
		p.refuses("dialect")(sqlsource.New(new(sql.DB), "oracle", "users", cols, sqlsource.Config{}))
		p.refuses("table")(sqlsource.New(new(sql.DB), sqlsource.SQLite, "", cols, sqlsource.Config{}))
		p.refuses("Columns.Key")(sqlsource.New(new(sql.DB), sqlsource.SQLite, "users", sqlsource.Columns{}, sqlsource.Config{}))
		negatives(p, sqlsource.Config{}, func(c sqlsource.Config) error {
			return second(sqlsource.New(new(sql.DB), sqlsource.SQLite, "users", cols, c))
		})
	},
	"risk.New": func(p probe) {
		d, err := anomaly.New(anyStore{}, [][]byte{sealKey}, anomaly.Config{})
		require.NoError(p, err)
		p.refuses("assessor")(risk.New(nil, risk.Config{}))
		p.refuses("Config.Keys")(risk.New(d, risk.Config{Counters: risk.NewMemoryCounters(0)}))
		p.refuses("Factors")(risk.New(d, risk.Config{Factors: []risk.Factor{nil}}))
		p.refuses("Bands")(risk.New(d, risk.Config{Bands: risk.Bands{Prompt: -1, MFA: 50, Deny: 80}}))
		negatives(p, risk.Config{}, func(c risk.Config) error { return second(risk.New(d, c)) })
	},
	"risk.NewMemoryCounters":  func(p probe) { assert.NotNil(p, risk.NewMemoryCounters(-1)) }, // its doc: the default
	"risk.NewMemoryDecisions": func(p probe) { assert.NotNil(p, risk.NewMemoryDecisions(-1)) },
	"risk.Networks": func(p probe) {
		p.refuses("name")(risk.Networks("", 0, nil))
		p.refuses("logOdds")(risk.Networks("tor", -1, nil))
		p.refuses("prefix")(risk.Networks("tor", 0, []netip.Prefix{{}}))
	},
	"risk/redisrisk.NewDecisions": func(p probe) {
		p.refuses("client")(redisrisk.NewDecisions(nil, redisrisk.Config{}))
		negatives(p, redisrisk.Config{}, func(c redisrisk.Config) error { return second(redisrisk.NewDecisions(anyRedis{}, c)) })
	},
	"risk.Auth0Enforcer": func(p probe) { p.refuses("mailer")(risk.Auth0Enforcer(nil)) },
	"risk.ParseAction":   func(p probe) { p.refuses("user_id")(risk.ParseAction([]byte("{}"), time.Now())) },
	"risk/riskhttp.From": func(p probe) {
		p.refuses("place")(riskhttp.From(nil, riskhttp.Direct))
		p.refuses("trusted")(riskhttp.From(riskhttp.Cloudflare, riskhttp.Direct))
	},
	"risk/riskhttp.Behind": func(p probe) {
		p.refuses("header")(riskhttp.Behind(""))
		p.refuses("trusted")(riskhttp.Behind("X-Forwarded-For"))
	},
	"risk/riskhttp.New": func(p probe) {
		d, err := anomaly.New(anyStore{}, [][]byte{sealKey}, anomaly.Config{})
		require.NoError(p, err)
		e, err := risk.New(d, risk.Config{})
		require.NoError(p, err)
		p.refuses("engine")(riskhttp.New(nil, [][]byte{sealKey}, riskhttp.Config{}))
		p.refuses("keys")(riskhttp.New(e, nil, riskhttp.Config{}))
		p.refuses("keys[0]")(riskhttp.New(e, [][]byte{{1}}, riskhttp.Config{}))
	},
	"risk/riskhttp.NewSupport": func(p probe) {
		d, err := anomaly.New(anyStore{}, [][]byte{sealKey}, anomaly.Config{})
		require.NoError(p, err)
		e, err := risk.New(d, risk.Config{})
		require.NoError(p, err)
		staff := func(*http.Request) (string, error) { return "staff", nil }
		p.refuses("engine")(riskhttp.NewSupport(nil, staff, riskhttp.SupportConfig{}))
		p.refuses("authorize")(riskhttp.NewSupport(e, nil, riskhttp.SupportConfig{}))
		negatives(p, riskhttp.SupportConfig{}, func(c riskhttp.SupportConfig) error { return second(riskhttp.NewSupport(e, staff, c)) })
	},
	"risk/sqlrisk.New": func(p probe) {
		p.refuses("db")(sqlrisk.New(nil, sqlrisk.SQLite, sqlrisk.Config{}))
		p.refuses("dialect")(sqlrisk.New(new(sql.DB), 0, sqlrisk.Config{}))
		negatives(p, sqlrisk.Config{}, func(c sqlrisk.Config) error { return second(sqlrisk.New(new(sql.DB), sqlrisk.SQLite, c)) })
	},
	"risk/redisrisk.New": func(p probe) {
		p.refuses("client")(redisrisk.New(nil, redisrisk.Config{}))
		negatives(p, redisrisk.Config{}, func(c redisrisk.Config) error { return second(redisrisk.New(anyRedis{}, c)) })
	},
	"session.BackChannelLogout": func(p probe) {
		p.refuses("Manager")(session.BackChannelLogout(nil, "tenant.eu.auth0.com", "c", session.LogoutConfig{}))
		p.refuses("issuer")(session.BackChannelLogout(anyManager(p), "", "c", session.LogoutConfig{}))
		p.refuses("client id")(session.BackChannelLogout(anyManager(p), "tenant.eu.auth0.com", "", session.LogoutConfig{}))
		negatives(p, session.LogoutConfig{}, func(c session.LogoutConfig) error {
			return second(session.BackChannelLogout(anyManager(p), "tenant.eu.auth0.com", "c", c))
		})
	},
	"session.Behind": func(p probe) {
		p.refuses("header")(session.Behind("", netip.MustParsePrefix("10.0.0.0/8")))
		p.refuses("trusted")(session.Behind("Forwarded"))
	},
	"session.New": func(p probe) {
		p.refuses("store")(session.New(nil, session.Config{}))
		negatives(p, session.Config{}, func(c session.Config) error { return second(session.New(session.NewMemory(), c)) })
	},
	"session.NewHTTP": func(p probe) {
		p.refuses("Manager")(session.NewHTTP(nil, session.HTTPConfig{}))
		negatives(p, session.HTTPConfig{}, func(c session.HTTPConfig) error { return second(session.NewHTTP(anyManager(p), c)) })
	},
	"session.NewMemory": func(p probe) { assert.NotNil(p, session.NewMemory()) },
	"session/login.New": func(p probe) {
		p.refuses("web")(login.New(nil, login.Application{}, login.Config{}))
		web, err := session.NewHTTP(anyManager(p), session.HTTPConfig{})
		require.NoError(p, err)
		p.refuses("Domain")(login.New(web, login.Application{}, login.Config{}))
	},
	"session/redissession.New": func(p probe) {
		p.refuses("client")(redissession.New(nil, redissession.Config{}))
		negatives(p, redissession.Config{}, func(c redissession.Config) error { return second(redissession.New(anyRedis{}, c)) })
	},
	"session/redissession/goredis.New": func(p probe) {
		p.refuses("client")(goredis.New(nil, redissession.Config{}))
		negatives(p, redissession.Config{}, func(c redissession.Config) error { return second(goredis.New(anyGoredis{}, c)) })
	},
	"session/sqlsession.New": func(p probe) {
		p.refuses("db")(sqlsession.New(nil, sqlsession.SQLite, sqlsession.Config{}))
		p.refuses("dialect")(sqlsession.New(new(sql.DB), 0, sqlsession.Config{}))
	},
	"tenancy.NewCutoff": func(p probe) {
		p.refuses("store")(tenancy.NewCutoff(nil, tenancy.CutoffConfig{}))
		negatives(p, tenancy.CutoffConfig{}, func(c tenancy.CutoffConfig) error { return second(tenancy.NewCutoff(tenancy.NewMemory(), c)) })
	},
	"tenancy.NewGuard": func(p probe) {
		p.refuses("Verifier")(tenancy.NewGuard(nil, tenancy.GuardConfig{}))
		negatives(p, tenancy.GuardConfig{}, func(c tenancy.GuardConfig) error { return second(tenancy.NewGuard(anyVerifier(p), c)) })
	},
	"tenancy.NewMemory": func(p probe) { assert.NotNil(p, tenancy.NewMemory()) },
	"tenancy.NewVerifier": func(p probe) {
		p.refuses("issuer")(tenancy.NewVerifier("", "api", tenancy.VerifierConfig{}))
		p.refuses("audience")(tenancy.NewVerifier("tenant.eu.auth0.com", "", tenancy.VerifierConfig{}))
		negatives(p, tenancy.VerifierConfig{}, func(c tenancy.VerifierConfig) error {
			return second(tenancy.NewVerifier("tenant.eu.auth0.com", "api", c))
		}, "Leeway", "CacheSize")
	},
	"tenancy/delegation.New": func(p probe) {
		p.refuses("Directory")(delegation.New(nil, "rol_1", delegation.Holders(nil, "rol_1"), delegation.Config{}))
		p.refuses("role")(delegation.New(anyDirectory{}, "", delegation.Holders(nil, "rol_1"), delegation.Config{}))
		p.refuses("Authorizer")(delegation.New(anyDirectory{}, "rol_1", nil, delegation.Config{}))
		negatives(p, delegation.Config{}, func(c delegation.Config) error {
			return second(delegation.New(anyDirectory{}, "rol_1", delegation.Holders(nil, "rol_1"), c))
		}, "MinAdmins", "MaxRemovals")
	},
	"tenancy/delegation/pgdelegation.NewLocker": func(p probe) { p.refuses("database")(pgdelegation.NewLocker(nil)) },
	"tenancy/redistenancy.New": func(p probe) {
		p.refuses("client")(redistenancy.New(nil, redistenancy.Config{}))
		negatives(p, redistenancy.Config{}, func(c redistenancy.Config) error { return second(redistenancy.New(anyRedis{}, c)) })
	},
	"tenancy/tenancygrpc.New": func(p probe) {
		g, err := tenancy.NewGuard(anyVerifier(p), tenancy.GuardConfig{})
		require.NoError(p, err)
		p.refuses("Guard")(tenancygrpc.New(nil, tenancygrpc.FromToken, nil, tenancygrpc.Config{}))
		p.refuses("Locator")(tenancygrpc.New(g, nil, nil, tenancygrpc.Config{}))
		negatives(p, tenancygrpc.Config{}, func(c tenancygrpc.Config) error { return second(tenancygrpc.New(g, tenancygrpc.FromToken, nil, c)) })
	},
	"tenancy/tenancygrpc.Open": func(p probe) { assert.NotZero(p, tenancygrpc.Open()) },
}

func TestConstructorsAgree(t *testing.T) {
	t.Parallel()
	for name, check := range constructors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(probe{t})
		})
	}
}

func guardianPages(p probe) (*guardian.Service, *session.HTTP) {
	s, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{sealKey}, Issuer: "Example"})
	require.NoError(p, err)
	m, err := session.New(session.NewMemory(), session.Config{})
	require.NoError(p, err)
	web, err := session.NewHTTP(m, session.HTTPConfig{})
	require.NoError(p, err)
	return s, web
}
