package keys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Auth0's authenticator apps count in steps of 30 s with six digits and SHA-1,
// as RFC 6238 has it by default.
const (
	totpStep   = 30 * time.Second
	totpDigits = 6
)

var base32NoPadding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewTOTPSecret returns a base32 secret of 160 bits.
func NewTOTPSecret() string {
	var b [20]byte
	rand.Read(b[:])
	return base32NoPadding.EncodeToString(b[:])
}

// totpCode returns the code of a step (RFC 6238, RFC 4226 section 5.3). It is
// empty when the secret is not base32.
func totpCode(secret string, step int64) string {
	key, err := base32NoPadding.DecodeString(strings.TrimRight(strings.ToUpper(secret), "="))
	if err != nil || len(key) == 0 {
		return ""
	}
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac := hmac.New(sha1.New, key)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, n%1_000_000)
}

// TOTPAt returns the code of a time.
func TOTPAt(secret string, now time.Time) string { return totpCode(secret, now.Unix()/30) }

// CheckTOTP returns the step whose code it is: the current one, the one before
// or the one after, but none up to last, whose codes are spent.
func CheckTOTP(secret, code string, last int64, now time.Time) (step int64, ok bool) {
	current := now.Unix() / int64(totpStep/time.Second)
	for _, s := range []int64{current, current - 1, current + 1} {
		want := totpCode(secret, s)
		if s > last && want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return s, true
		}
	}
	return 0, false
}

// TOTPURI is what an authenticator app reads from the QR code.
func TOTPURI(issuer, account, secret string) string {
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.QueryEscape(account) +
		"?secret=" + secret + "&issuer=" + url.PathEscape(issuer) + "&algorithm=SHA1&digits=6&period=30"
}
