package integration

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/pquerna/otp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/internal/testing/node"
)

// Three parsers agree on what an authenticator app shows: pquerna/otp, npm's otpauth,
// and one that follows Google's page about key URIs, with a + read both ways.
func TestGuardianLabels(t *testing.T) {
	t.Parallel()
	type label struct{ Issuer, Account, URL, Secret string }
	var labels []label
	for _, issuer := range []string{"Example", "Example & Söhne", "a+b=c?d#e/f%20g", "株式会社"} {
		for _, account := range []string{"ada@example.com", "ada+mfa@example.com", "corp:ada", "a:b:c", "Ünï cødé", "50%/#?&=+", "google-oauth2|1"} {
			s, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{[]byte("an example of a key with 32 byte")}, Issuer: issuer})
			require.NoError(t, err)
			key, err := s.EnrollTOTP(t.Context(), "auth0|1", account, nil)
			require.NoError(t, err)
			labels = append(labels, label{issuer, strings.ReplaceAll(account, ":", "."), key.URL(), key.Secret()})
		}
	}
	in, err := json.Marshal(labels)
	require.NoError(t, err)
	var js []struct{ Issuer, Label, Secret string }
	out := node.Run(t, `import { URI } from "otpauth";
const parsed = JSON.parse(process.argv[2]).map(({ URL }) => { const key = URI.parse(URL); return { issuer: key.issuer, label: key.label, secret: key.secret.base32 }; });
console.log(JSON.stringify(parsed));`, string(in))
	require.NoError(t, json.Unmarshal([]byte(out), &js))
	for i, l := range labels {
		key, err := otp.NewKeyFromURL(l.URL)
		require.NoError(t, err)
		assert.Equal(t, []string{l.Issuer, l.Account, l.Secret}, []string{key.Issuer(), key.AccountName(), key.Secret()})
		assert.Equal(t, []string{l.Issuer, l.Account, l.Secret}, []string{js[i].Issuer, js[i].Label, js[i].Secret})
		for _, unescape := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
			issuer, account, secret, err := keyURI(l.URL, unescape)
			require.NoError(t, err)
			assert.Equal(t, []string{l.Issuer, l.Account, l.Secret}, []string{issuer, account, secret})
		}
	}
}

// keyURI reads a URI as https://github.com/google/google-authenticator/wiki/Key-Uri-Format
// writes it: label = accountname / issuer (":" / "%3A") *"%20" accountname.
func keyURI(uri string, unescape func(string) (string, error)) (issuer, account, secret string, err error) {
	rest, ok := strings.CutPrefix(uri, "otpauth://totp/")
	label, query, ok2 := strings.Cut(rest, "?")
	if !ok || !ok2 {
		return "", "", "", fmt.Errorf("no key URI")
	}
	if label, err = unescape(label); err != nil {
		return "", "", "", err
	}
	if strings.Count(label, ":") != 1 {
		return "", "", "", fmt.Errorf("%d colons in the label", strings.Count(label, ":"))
	}
	prefix, account, _ := strings.Cut(label, ":")
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value, err = unescape(value); err != nil {
			return "", "", "", err
		}
		switch name {
		case "issuer":
			issuer = value
		case "secret":
			secret = value
		}
	}
	if issuer != prefix {
		return "", "", "", fmt.Errorf("the issuers differ")
	}
	return issuer, strings.TrimLeft(account, " "), secret, nil
}
