package passhash

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

var aspnetFormats = []format{
	{name: "aspnet-identity-v2", detect: func(v string) bool { return identityMarker(v) == 0 }, parse: parseIdentityV2},
	{name: "aspnet-identity-v3", detect: func(v string) bool { return identityMarker(v) == 1 }, parse: parseIdentityV3},
	{name: "aspnet-membership-sha1", parse: parseMembership("sha1"), salted: true},
	{name: "aspnet-membership-sha256", parse: parseMembership("sha256"), salted: true},
	{name: "aspnet-membership-hmacsha256", parse: parseMembershipHMAC, salted: true},
}

// identityMarker is the version byte of ASP.NET Identity, or -1 for anything else.
func identityMarker(value string) int {
	if len(value) < 4 || (value[0] != 'A' && value[0] != 'B') {
		return -1
	}
	raw, ok := fromBase64(value)
	if ok && len(raw) == 1+16+32 && raw[0] == 0 {
		return 0
	}
	if ok && len(raw) >= 13+16+16 && raw[0] == 1 && binary.BigEndian.Uint32(raw[1:]) <= 2 {
		return 1
	}
	return -1
}

// parseIdentityV2 is 1,000 iterations of PBKDF2 with SHA-1: 0x00, 16 bytes of
// salt, 32 of key (PasswordHasher, IdentityV2).
func parseIdentityV2(s Stored, l limits) (parsed, error) {
	raw, ok := fromBase64(s.Value)
	if !ok || len(raw) != 49 || raw[0] != 0 {
		return parsed{}, malformed("must be base64 of 49 bytes that start with 0")
	}
	return newPBKDF2(l, "sha1", 1000, raw[1:17], raw[17:])
}

// parseIdentityV3 carries its parameters: 0x01, then PRF, iterations and length
// of the salt as 32-bit big-endian numbers, salt, key (PasswordHasher,
// IdentityV3).
func parseIdentityV3(s Stored, l limits) (parsed, error) {
	raw, ok := fromBase64(s.Value)
	if !ok || len(raw) < 13+16+16 || raw[0] != 1 {
		return parsed{}, malformed("must be base64 of at least 45 bytes that start with 1")
	}
	prf, iterations, length := binary.BigEndian.Uint32(raw[1:]), binary.BigEndian.Uint32(raw[5:]), binary.BigEndian.Uint32(raw[9:])
	if prf > 2 || length < 16 || int64(length) > int64(len(raw)-13-16) {
		return parsed{}, malformed("unknown PRF, or lengths that do not fit")
	}
	name := [...]string{"sha1", "sha256", "sha512"}[prf]
	return newPBKDF2(l, name, int64(iterations), raw[13:13+length], raw[13+length:])
}

// parseMembership is SqlMembershipProvider with passwordFormat Hashed: the
// digest of salt and password in UTF-16LE, both columns in base64.
func parseMembership(name string) func(Stored, limits) (parsed, error) {
	return func(s Stored, _ limits) (parsed, error) {
		salt, saltOK := fromBase64(s.Salt)
		want, ok := fromHexOrBase64(s.Value, hashes[name]().Size())
		if !saltOK || !ok || len(salt) == 0 {
			return parsed{}, malformed("Value and Salt must be the base64 of Password and PasswordSalt")
		}
		return newDigest(name, want, salt, "prefix", true), nil
	}
}

// parseMembershipHMAC is the same with the default validation of machineKey since
// .NET 4: HMAC-SHA-256 whose key of 64 bytes is the salt, repeated or cut.
func parseMembershipHMAC(s Stored, _ limits) (parsed, error) {
	salt, saltOK := fromBase64(s.Salt)
	want, ok := fromHexOrBase64(s.Value, sha256.Size)
	if !saltOK || !ok || len(salt) == 0 {
		return parsed{}, malformed("Value and Salt must be the base64 of Password and PasswordSalt")
	}
	key := make([]byte, 64)
	for n := 0; n < len(key); {
		n += copy(key[n:], salt)
	}
	p := parsed{verify: func(password string) bool {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(utf16le(password)))
		return hmac.Equal(mac.Sum(nil), want)
	}}
	c := hmacImport("sha256", want, key)
	c.Password = &passwordEncoding{Encoding: "utf16le"}
	p.convert = importCustom(c)
	return p, nil
}
