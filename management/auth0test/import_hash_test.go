package auth0test_test

import (
	"encoding/json"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// documentedHashes are passwords with their hashes, of Auth0's documentation
// (bulk-user-import-schema) and RFC 1321, 3174 and 6234.
var documentedHashes = map[string]struct{ password, custom string }{
	"md4":    {"shh", `{"algorithm":"md4","hash":{"value":"AbuUujgF0pPPkJPSFRTpmA==","encoding":"base64"}}`},
	"md5":    {"abc", `{"algorithm":"md5","hash":{"value":"900150983CD24FB0D6963F7D28E17F72","encoding":"hex"}}`},
	"sha1":   {"abc", `{"algorithm":"sha1","hash":{"value":"a9993e364706816aba3e25717850c26c9cd0d89d","encoding":"hex"}}`},
	"sha256": {"shh", `{"algorithm":"sha256","hash":{"value":"d24e794fce503c3ddb1cd1ba1dd5d9b250cf9917336a0316fefd87fecf79200f","encoding":"hex"},"salt":{"value":"abc123","position":"prefix"}}`},
	"sha512": {"abc", `{"algorithm":"sha512","hash":{"value":"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f","encoding":"hex"}}`},
	"bcrypt": {"shh", `{"algorithm":"bcrypt","hash":{"value":"$2b$10$C9hB01.YxRSTcn/ZOOo4j.TW7xCKKFKBSF.C7E0xiUwumqIDqWUXG"}}`},
	"argon2": {"shh", `{"algorithm":"argon2","hash":{"value":"$argon2id$v=19$m=65536,t=2,p=1$J6Q/82PCyaNpYKRELJyTZg$m04qUAB8rexWDR4+/0f+SFB+4XMFxt7YAvAq2UycYos"}}`},
	"ldap":   {"shh", `{"algorithm":"ldap","hash":{"value":"{SSHA384}/cgEjdoZh85DhurDeOQEMO1rMlAur93SVPbYe5XSD4lF7nNuvrBju5hUeg9A6agRemgSXGl5YuE=","encoding":"utf8"}}`},
	"hmac":   {"test", `{"algorithm":"hmac","hash":{"value":"cg7f42jH39/2EaAU4wNd4s2lKIk=","encoding":"base64","digest":"sha1","key":{"value":"736868","encoding":"hex"}}}`},
	"scrypt": {"password", `{"algorithm":"scrypt","hash":{"value":"097f6197e1b41538f723e32aa7a68e8d76227d8e432ce5faa4882a913032db29","encoding":"hex"},"salt":{"value":"abc123","encoding":"utf8"},"keylen":32,"cost":4096}`},
	"pbkdf2": {"shh", `{"algorithm":"pbkdf2","hash":{
	"value":"$pbkdf2-sha512$i=100000,l=64$KNyFsA2rWoE$I2CQGI9H0JxdDf3kERRI97kPCGxh0KWBIV3MxyaS191gDGfzVBGyS4BibhgqWQ0/ails8mHuU9ckASxHOOq58w"}}`},
}

// TestImportedHashesLogIn: a password imported under any algorithm of Auth0's
// schema logs in at the tenant, and no other does.
func TestImportedHashesLogIn(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	var rows []map[string]any
	for name, h := range documentedHashes {
		rows = append(rows, map[string]any{"email": name + "@example.com", "custom_password_hash": json.RawMessage(h.custom)})
	}
	if job, failures := importFile(t, tenant, false, rows...); job.Inserted != len(rows) {
		t.Fatalf("%d of %d inserted: %v", job.Inserted, len(rows), failures)
	}
	for name, h := range documentedHashes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			login := func(password string) error {
				_, err := tenant.Login(t.Context(), auth0test.Login{Identifier: name + "@example.com", Password: password})
				return err
			}
			if login(h.password+"x") == nil {
				t.Error("another password logs in")
			}
			if err := login(h.password); err != nil {
				t.Errorf("the password does not log in: %v", err)
			}
			if err := login(h.password); err != nil {
				t.Errorf("not a second time, by the tenant's own hash: %v", err)
			}
			if login(h.password+"x") == nil {
				t.Error("another password logs in afterwards")
			}
		})
	}
}
