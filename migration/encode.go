package migration

import (
	"bytes"
	"encoding/json"

	"github.com/auth0kit/auth0kit/migration/passhash"
)

// importUser is a user in an import file. The fields and their order are Auth0's
// schema; what is empty is left out, because the schema allows no empty values.
type importUser struct {
	UserID        string          `json:"user_id,omitempty"`
	Email         string          `json:"email"`
	EmailVerified bool            `json:"email_verified"`
	Username      string          `json:"username,omitempty"`
	Phone         string          `json:"phone_number,omitempty"`
	PhoneVerified bool            `json:"phone_verified,omitempty"`
	Name          string          `json:"name,omitempty"`
	GivenName     string          `json:"given_name,omitempty"`
	FamilyName    string          `json:"family_name,omitempty"`
	Nickname      string          `json:"nickname,omitempty"`
	Picture       string          `json:"picture,omitempty"`
	Blocked       bool            `json:"blocked,omitempty"`
	PasswordHash  json.RawMessage `json:"password_hash,omitempty"`
	CustomHash    json.RawMessage `json:"custom_password_hash,omitempty"`
	AppMetadata   map[string]any  `json:"app_metadata,omitempty"`
	UserMetadata  map[string]any  `json:"user_metadata,omitempty"`
	Factors       []factor        `json:"mfa_factors,omitempty"`
}

type factor struct {
	TOTP  *totpFactor  `json:"totp,omitempty"`
	Phone *valueFactor `json:"phone,omitempty"`
	Email *valueFactor `json:"email,omitempty"`
}

type totpFactor struct {
	Secret string `json:"secret"`
}

type valueFactor struct {
	Value string `json:"value"`
}

// fieldPasswordHash is the field of an import file for bcrypt of cost 10.
const fieldPasswordHash = "password_hash"

// encoder writes records as import JSON, minified: indentation would cost a
// fifth of each file. It is not safe for concurrent use.
type encoder struct {
	run  Run
	via  Via
	buf  bytes.Buffer
	json *json.Encoder
}

func newEncoder(run Run, via Via) *encoder {
	e := &encoder{run: run, via: via}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}

// encode returns r with its hash; the bytes are valid until the next call. The
// error says that the metadata is not JSON.
func (e *encoder) encode(r *Record, hash passhash.Import) ([]byte, error) {
	u := importUser{
		UserID: e.run.KeyPrefix + r.Key, Email: r.Email, EmailVerified: r.EmailVerified, Username: r.Username,
		Phone: r.Phone, PhoneVerified: r.PhoneVerified && r.Phone != "", Name: r.Name, GivenName: r.GivenName,
		FamilyName: r.FamilyName, Nickname: r.Nickname, Picture: r.Picture, Blocked: r.Blocked,
		UserMetadata: r.UserMetadata, Factors: factors(r), AppMetadata: e.run.marked(r.AppMetadata, e.via),
	}
	switch {
	case len(hash.JSON) == 0:
	case hash.Field == fieldPasswordHash:
		u.PasswordHash = hash.JSON
	default:
		u.CustomHash = hash.JSON
	}
	return e.write(&u)
}

// encodeFactors returns no more of r than an upsert needs to bring its second
// factors: it would replace metadata whole, and refuse another hash.
func (e *encoder) encodeFactors(r *Record) ([]byte, error) {
	return e.write(&importUser{UserID: e.run.KeyPrefix + r.Key, Email: r.Email, EmailVerified: r.EmailVerified, Factors: factors(r)})
}

func (e *encoder) write(u *importUser) ([]byte, error) {
	e.buf.Reset()
	if err := e.json.Encode(u); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")), nil
}

func factors(r *Record) []factor {
	var all []factor
	for _, secret := range r.TOTPSecrets {
		all = append(all, factor{TOTP: &totpFactor{Secret: secret}})
	}
	for _, number := range r.MFAPhones {
		all = append(all, factor{Phone: &valueFactor{Value: number}})
	}
	for _, address := range r.MFAEmails {
		all = append(all, factor{Email: &valueFactor{Value: address}})
	}
	return all
}
