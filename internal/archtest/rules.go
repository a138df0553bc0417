// Package archtest holds the module to its architecture: which package may
// import which, where third-party modules may appear, and how long a function
// may grow. The rules are data, in this file; ARCHITECTURE.md gives the reasons.
package archtest

// Module is the import path of the module.
const Module = "github.com/auth0kit/auth0kit"

// A Rule says what the files of a package (tests apart) may import beside the
// standard library: packages of this module by their path below Module, modules
// of others by a prefix of their import path.
type Rule struct {
	Own    []string
	Others []string
}

// Third-party modules that several rules name.
const (
	sdk     = "github.com/auth0/go-auth0"
	xcrypto = "golang.org/x/crypto"
	gocrypt = "github.com/go-crypt/"
	gojwt   = "github.com/golang-jwt/jwt/v5"
	redis   = "github.com/redis/rueidis"
	pgx     = "github.com/jackc/pgx/v5"
	merkle  = "github.com/transparency-dev/merkle/"
	notes   = "golang.org/x/mod/sumdb/note"
)

// room is where the rooms of the tenant are.
const room = "management/auth0test/internal/"

// rooms are packages of the tenant.
func rooms(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = room + n
	}
	return out
}

// Rules has one entry for every package that is not an example or a test. A
// package without a rule fails the test: decide, and write it down here.
var Rules = map[string]Rule{
	// Leaves: the vocabulary that everything else speaks.
	"management/resource": {Own: []string{"internal/secret"}},
	"audit":               {},

	// Shared insides, each of one subject.
	"internal/archtest":              {},
	"internal/auth0hash":             {Others: []string{xcrypto}},
	"internal/testing/authenticator": {},
	"internal/testing/backends":      {},
	"internal/testing/browser":       {Own: []string{"internal/testing/backends", "internal/testing/node"}, Others: []string{"github.com/chromedp/"}},
	"internal/testing/node":          {Own: []string{"internal/testing/backends"}},
	"internal/testing/faultnet":      {},
	"internal/testing/integration":   {},
	"internal/authn":                 {},
	"internal/issuer":                {},
	"internal/challenge":             {},
	"internal/asked":                 {},
	"internal/clientip":              {},
	"internal/sqlstore":              {Own: []string{"internal/retry"}},
	"internal/auditsql":              {Own: []string{"audit", "audit/auditlog/driver", "internal/sqlstore"}},
	"internal/jose":                  {Own: []string{"internal/issuer", "internal/lru", "internal/once", "internal/retry"}, Others: []string{gojwt}},
	"internal/jose/josetest":         {Others: []string{gojwt}},
	"internal/lru":                   {},
	"internal/publicip":              {},
	"internal/oauth":                 {Own: []string{"internal/issuer", "internal/retry", "internal/secret"}},
	"internal/once":                  {},
	"internal/pages":                 {},
	"internal/pace":                  {Own: []string{"internal/retry"}},
	"internal/retry":                 {},
	"internal/seal":                  {},
	"internal/secret":                {},
	"internal/usershape":             {},
	"internal/webhook":               {},

	// The adapter and the tenant.
	"management": {Own: []string{"management/resource", "internal/issuer", "internal/oauth", "internal/once", "internal/pace", "internal/retry", "internal/secret"}, Others: []string{sdk}},
	"management/auth0test": {Own: append(rooms("authapi", "authapi/login", "cors", "keys", "limit", "mgmtapi", "mgmtapi/apps", "mgmtapi/orgs", "mgmtapi/platform",
		"mgmtapi/security", "mgmtapi/users", "overview", "pages", "state", "store", "web"), "management", "management/resource")},

	"management/auth0test/scripts": {Others: []string{"github.com/dop251/"}}, // apart, so that no user of the tenant gets the engine unasked

	// The rooms of the tenant: leaves, then what it keeps, then its two APIs.
	room + "pages":            {Own: []string{"internal/pages"}},
	room + "schema":           {},
	room + "store":            {},
	room + "web":              {},
	room + "keys":             {Own: rooms("store")},
	room + "limit":            {Own: rooms("web")},
	room + "query":            {Own: rooms("schema")},
	room + "state":            {Own: append(rooms("keys", "limit", "schema", "store", "web"), "internal/usershape")},
	room + "effects":          {Own: rooms("state", "store")},
	room + "overview":         {Own: rooms("pages", "state", "web")},
	room + "cors":             {Own: rooms("keys", "state", "web")},
	room + "authapi":          {Own: append(rooms("effects", "keys", "pages", "schema", "state", "store", "web"), "internal/jose")},
	room + "authapi/login":    {Own: rooms("authapi", "effects", "keys", "pages", "state", "store", "web")},
	room + "mgmtapi":          {Own: rooms("keys", "schema", "state", "store", "web")},
	room + "mgmtapi/apps":     {Own: rooms("keys", "mgmtapi", "schema", "state", "store")},
	room + "mgmtapi/orgs":     {Own: rooms("mgmtapi", "state", "store")},
	room + "mgmtapi/platform": {Own: rooms("effects", "mgmtapi", "query", "schema", "state", "store")},
	room + "mgmtapi/security": {Own: rooms("keys", "limit", "mgmtapi", "schema", "state", "store", "web")},
	room + "mgmtapi/users":    {Own: append(rooms("mgmtapi", "query", "schema", "state", "store"), "internal/auth0hash")},

	// Patterns: at most resource, audit and internals. Never management, never a sibling.
	"anomaly":   {Own: []string{"internal/publicip", "internal/retry", "internal/seal"}, Others: []string{"github.com/medama-io/go-useragent"}},
	"guardian":  {Own: []string{"guardian/driver", "audit", "management/resource", "internal/asked", "internal/authn", "internal/challenge", "internal/issuer", "internal/lru", "internal/oauth", "internal/once", "internal/pages", "internal/retry", "internal/seal", "internal/secret"}, Others: []string{"github.com/pquerna/otp", "github.com/boombuler/barcode"}},
	"migration": {Own: []string{"migration/driver", "migration/internal/jobs", "audit", "management/resource", "internal/retry", "internal/secret", "internal/usershape", "migration/passhash"}},
	"risk":      {Own: []string{"internal/publicip", "management/resource", "internal/seal", "audit", "anomaly", "internal/secret"}, Others: []string{"github.com/axiomhq/hyperloglog"}}, // the one edge between siblings
	"session":   {Own: []string{"session/driver", "audit", "internal/asked", "internal/authn", "internal/clientip", "internal/issuer", "internal/jose", "internal/retry", "internal/seal", "internal/secret"}},
	"tenancy":   {Own: []string{"audit", "management/resource", "internal/authn", "internal/challenge", "internal/issuer", "internal/jose", "internal/lru", "internal/once", "internal/seal", "internal/secret"}},

	"actions": {Own: []string{"audit", "management/resource", "internal/lru", "internal/retry", "internal/secret", "internal/webhook"}},

	// What belongs to one pattern.
	"migration/customdb":              {Own: []string{"migration", "migration/lazy", "management/resource", "internal/secret", "internal/webhook"}},
	"migration/filesource":            {Own: []string{"migration", "migration/internal/mapping"}},
	"migration/internal/mapping":      {Own: []string{"migration", "migration/passhash"}},
	"migration/internal/jobs":         {Own: []string{"management/resource", "internal/retry"}},
	"migration/internal/legacytest":   {Own: []string{"migration", "migration/driver", "migration/passhash", "management", "management/auth0test"}, Others: []string{xcrypto}},
	"migration/lazy":                  {Own: []string{"migration", "migration/driver", "migration/internal/jobs", "migration/passhash", "audit", "management/resource", "internal/once", "internal/retry", "internal/usershape"}, Others: []string{xcrypto}},
	"migration/passhash":              {Own: []string{"internal/auth0hash", "internal/secret"}, Others: []string{xcrypto, gocrypt}},
	"migration/sqlsource":             {Own: []string{"migration", "migration/internal/mapping", "migration/passhash"}},
	"risk/riskhttp":                   {Own: []string{"anomaly", "audit", "risk", "internal/clientip", "internal/pages", "internal/secret"}},
	"risk/calibrate":                  {Own: []string{"anomaly", "internal/pages"}},
	"anomaly/geoip":                   {Own: []string{"anomaly"}, Others: []string{"github.com/oschwald/"}},
	"tenancy/delegation":              {Own: []string{"audit", "management/resource", "internal/retry", "internal/secret"}, Others: []string{"golang.org/x/net/idna"}},
	"tenancy/delegation/pgdelegation": {Own: []string{"tenancy/delegation"}},
	"tenancy/redistenancy":            {Own: []string{"tenancy"}, Others: []string{redis}},
	"tenancy/tenancymcp":              {Own: []string{"tenancy"}, Others: []string{"github.com/modelcontextprotocol/go-sdk"}},
	"tenancy/tenancytest":             {Own: []string{"tenancy"}},
	"tenancy/tenancygrpc":             {Own: []string{"tenancy"}, Others: []string{"google.golang.org/"}},

	// The audit log. What it seals with stays out of audit, which every pattern imports.
	"audit/auditlog":        {Own: []string{"audit", "audit/auditlog/driver", "internal/lru", "internal/retry", "internal/seal", "internal/secret"}, Others: []string{merkle, notes}},
	"audit/auditlog/driver": {Own: []string{"audit"}},
	"audit/detect":          {Own: []string{"audit", "audit/auditlog", "internal/lru"}},
	"audit/encode":          {Own: []string{"audit", "audit/auditlog"}},
	"audit/sink":            {Own: []string{"audit", "audit/auditlog", "audit/encode", "internal/publicip"}},
	"audit/auth0logs":       {Own: []string{"audit", "audit/auditlog", "management/resource", "internal/retry", "internal/secret"}},

	"audit/pgaudit":            {Own: []string{"audit/auditlog/driver", "internal/auditsql", "internal/sqlstore"}, Others: []string{pgx}},
	"audit/report":             {Own: []string{"audit", "audit/auditlog"}},
	"audit/slogaudit":          {Own: []string{"audit"}},
	"audit/sqlaudit":           {Own: []string{"audit/auditlog/driver", "internal/auditsql", "internal/sqlstore"}},
	"audit/auditlog/audittest": {Own: []string{"audit", "audit/auditlog", "audit/auditlog/driver"}},

	// Contracts of stores: nothing of this module.
	"guardian/driver":  {},
	"migration/driver": {},
	"session/driver":   {},

	// Stores and conformance suites: their own pattern, and the product of their name.
	"anomaly/anomalytest":     {Own: []string{"anomaly"}},
	"anomaly/redisanomaly":    {Own: []string{"anomaly"}, Others: []string{redis}},
	"actions/sqlactions":      {Own: []string{"actions", "internal/seal", "internal/sqlstore"}},
	"anomaly/sqlanomaly":      {Own: []string{"anomaly", "internal/sqlstore"}},
	"guardian/guardiantest":   {Own: []string{"guardian", "guardian/driver"}},
	"guardian/passkey":        {Own: []string{"guardian"}, Others: []string{"github.com/go-webauthn/webauthn/"}},
	"guardian/redisguardian":  {Own: []string{"guardian/driver"}, Others: []string{redis}},
	"guardian/sqlguardian":    {Own: []string{"guardian/driver", "internal/sqlstore"}},
	"migration/migrationtest": {Own: []string{"migration/driver"}},
	"migration/sqlmigration":  {Own: []string{"migration/driver", "internal/sqlstore"}},
	"risk/sqlrisk":            {Own: []string{"risk", "internal/sqlstore"}},
	"risk/redisrisk":          {Own: []string{"risk"}, Others: []string{redis}},
	"risk/risktest":           {Own: []string{"anomaly", "risk"}},
	"session/redissession":    {Own: []string{"session/redissession/internal/core"}, Others: []string{redis}},
	"session/sessiontest":     {Own: []string{"session", "session/driver"}},
	"session/login":           {Own: []string{"session", "internal/asked", "internal/issuer", "internal/jose", "internal/oauth", "internal/secret"}},
	"session/sqlsession":      {Own: []string{"session/driver", "internal/sqlstore"}},

	"session/redissession/internal/core": {Own: []string{"session/driver"}, Others: []string{redis}},
	"session/redissession/goredis":       {Own: []string{"session/redissession", "session/redissession/internal/core"}, Others: []string{"github.com/redis/go-redis/v9"}},
}

// MayImportDriver are the packages that say the product in their name and need
// what database/sql does not offer. A program that does not import one of them
// does not download its driver's dependencies, because go mod tidy follows imports.
var MayImportDriver = []string{"audit/pgaudit"}

// Drivers are the SQL drivers, and what drives a browser. Outside of
// MayImportDriver, internal/testing and examples no file imports them, tests included: every
// consumer's go mod tidy would download them.
var Drivers = []string{
	"github.com/go-sql-driver/mysql", "github.com/jackc/pgx/", "github.com/mattn/go-sqlite3", "github.com/ncruces/go-sqlite3/", "modernc.org/sqlite",
	"github.com/chromedp/", Module + "/internal/testing/browser",
}

// OneFile names packages in which one file alone may import a package of the
// module, so that what it proves stays independent of what it is compared with.
var OneFile = map[string]map[string]string{
	"migration/passhash": {"internal/auth0hash": "prove.go"},
}

// MaxFunctionLines is the longest function outside of tests. A function should
// fit a screen; tables may be long.
const MaxFunctionLines = 60

// MaxRoomLines is how many lines outside of tests a package of the tenant has at
// most: it was one package of 20,000 lines once.
const MaxRoomLines = 4000
