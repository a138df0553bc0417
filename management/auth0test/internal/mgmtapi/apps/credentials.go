package apps

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var credentials = &mgmtapi.Resource[*state.ClientKey]{
	Path: "/clients/{client_id}/credentials", Part: "credential_id",
	Table:   mgmtapi.Under(clients.By("client_id"), func(cl *state.Client) *store.Table[*state.ClientKey] { return &cl.Keys }),
	Missing: mgmtapi.Text{Message: "The credential does not exist."},
	New: func(c *mgmtapi.Call) (string, *state.ClientKey, *mgmtapi.Reply) {
		k, bad := newClientKey(c.Body, c.Now)
		if bad != nil {
			return "", nil, bad
		}
		return k.ID, k, nil
	},
	Set: func(c *mgmtapi.Call, k *state.ClientKey) *mgmtapi.Reply {
		delete(k.Doc, "expires_at")
		if at, err := time.Parse(time.RFC3339, c.Str("expires_at")); err == nil {
			k.Doc["expires_at"] = store.Stamp(at)
		}
		k.UpdatedAt = c.Now
		return nil
	},
	View: viewKey,
	Page: mgmtapi.Envelope[*state.ClientKey]{Form: mgmtapi.Whole},
}

func viewKey(_ *mgmtapi.Call, k *state.ClientKey) map[string]any {
	m := store.Clone(k.Doc)
	m["id"], m["created_at"], m["updated_at"] = k.ID, store.Stamp(k.CreatedAt), store.Stamp(k.UpdatedAt)
	return m
}

// newClientKey reads a credential of a request; the PEM itself is not kept.
func newClientKey(m map[string]any, now time.Time) (*state.ClientKey, *mgmtapi.Reply) {
	k := &state.ClientKey{ID: "cred_" + store.RandomID(22), Doc: store.Clone(m), CreatedAt: now, UpdatedAt: now}
	delete(k.Doc, "pem")
	raw, _ := m["pem"].(string)
	block, _ := pem.Decode([]byte(raw))
	kind, err := m["credential_type"], errors.New("no PEM")
	switch {
	case block == nil && kind == "cert_subject_dn" && m["subject_dn"] != nil:
		return k, nil
	case block == nil:
	case kind == "public_key":
		store.Defaults(k.Doc, map[string]any{"alg": "RS256"})
		err = readKey(k, block.Bytes)
	default:
		err = readCertificate(k, block.Bytes)
	}
	if err != nil {
		return nil, mgmtapi.BadRequest("The credential's PEM is not valid.", "invalid_body")
	}
	return k, nil
}

// readKey sets kid to the key's thumbprint (RFC 7638).
func readKey(k *state.ClientKey, der []byte) error {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		cert, certErr := x509.ParseCertificate(der)
		if certErr != nil {
			return err
		}
		parsed = cert.PublicKey
	}
	thumbprint := sha256.Sum256(der)
	if key, is := parsed.(*rsa.PublicKey); is {
		k.Public = key
		b64 := base64.RawURLEncoding.EncodeToString
		canonical, _ := json.Marshal(map[string]string{ // Sorted keys, as the RFC asks.
			"e": b64(big.NewInt(int64(key.E)).Bytes()), "kty": "RSA", "n": b64(key.N.Bytes()),
		})
		thumbprint = sha256.Sum256(canonical)
	}
	store.Defaults(k.Doc, map[string]any{"kid": base64.RawURLEncoding.EncodeToString(thumbprint[:])})
	return nil
}

func readCertificate(k *state.ClientKey, der []byte) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	if k.Doc["credential_type"] == "cert_subject_dn" {
		var parts []string
		for _, name := range strings.Split(cert.Subject.ToRDNSequence().String(), ",") {
			parts = append([]string{name}, parts...)
		}
		k.Doc["subject_dn"] = strings.Join(parts, "\n")
		return nil
	}
	sum := sha256.Sum256(der)
	k.Doc["thumbprint_sha256"] = base64.RawURLEncoding.EncodeToString(sum[:])
	k.Doc["expires_at"] = store.Stamp(cert.NotAfter)
	return nil
}

// credentialLists are the places of a client's document that hold credentials.
func credentialLists(doc map[string]any) []map[string]any {
	var out []map[string]any
	d := store.Document(doc)
	methods := d.Sub("client_authentication_methods")
	for _, name := range schema.SortedKeys(methods) {
		out = append(out, methods.Sub(name))
	}
	out = append(out, d.Sub("signed_request_object"), d.Sub("token_vault_privileged_access"))
	return slices.DeleteFunc(out, func(m map[string]any) bool { return m["credentials"] == nil })
}

// takeCredentials makes keys of the credentials that a new client brings along.
func takeCredentials(cl *state.Client, now time.Time) *mgmtapi.Reply {
	for _, holder := range credentialLists(cl.Doc) {
		shown := []any{}
		for _, m := range store.Objects(holder["credentials"]) {
			k, bad := newClientKey(m, now)
			if bad != nil {
				return bad
			}
			cl.Keys.Put(k.ID, k)
			shown = append(shown, viewKey(nil, k))
		}
		holder["credentials"] = shown
	}
	return nil
}

// hideCredentials leaves only the ids: the answer to the creation alone shows
// more.
func hideCredentials(cl *state.Client) {
	doc := store.DeepCopy(cl.Doc).(map[string]any)
	for _, holder := range credentialLists(doc) {
		holder["credentials"] = store.Render(store.Objects(holder["credentials"]), func(m map[string]any) any { return map[string]any{"id": m["id"]} })
	}
	cl.Doc = doc
}
