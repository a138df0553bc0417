package auth0hash

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func mustParse(t *testing.T, raw string) *Hash {
	t.Helper()
	h, err := ParseCustom(json.RawMessage(raw))
	require.NoError(t, err)
	return h
}

// onlyRight checks that password verifies and another does not.
func onlyRight(t *testing.T, h *Hash, password string) {
	t.Helper()
	if err := h.Verify(password); err != nil {
		t.Errorf("right password: %v", err)
	}
	if err := h.Verify(password + "x"); !errors.Is(err, ErrMismatch) {
		t.Errorf("wrong password: %v, want ErrMismatch", err)
	}
}

// The nine users of "Custom password hash examples" and the sample of its
// section on bcrypt.
func TestDocumentedExamples(t *testing.T) {
	for name, c := range map[string]struct{ password, raw string }{
		"md4":    {"shh", `{"algorithm":"md4","hash":{"value":"AbuUujgF0pPPkJPSFRTpmA==","encoding":"base64"}}`},
		"sha256": {"shh", `{"algorithm":"sha256","hash":{"value":"d24e794fce503c3ddb1cd1ba1dd5d9b250cf9917336a0316fefd87fecf79200f","encoding":"hex"},"salt":{"value":"abc123","position":"prefix"}}`},
		"bcrypt": {"shh", `{"algorithm":"bcrypt","hash":{"value":"$2b$10$C9hB01.YxRSTcn/ZOOo4j.TW7xCKKFKBSF.C7E0xiUwumqIDqWUXG"}}`},
		"argon2": {"shh", `{"algorithm":"argon2","hash":{"value":"$argon2id$v=19$m=65536,t=2,p=1$J6Q/82PCyaNpYKRELJyTZg$m04qUAB8rexWDR4+/0f+SFB+4XMFxt7YAvAq2UycYos"}}`},
		"pbkdf2-md4": {"shh", `{"algorithm":"pbkdf2","hash":{"encoding":"utf8",
			"value":"$pbkdf2-md4$i=100000,l=64$+N375B8q0Fw$fp2R9KAM4hK/votGHC5Fu+jhqbxUD8+Nic/EMSGvNC3UP/k7wSHI0uXluHRSkZfl/BOheYqNOemayG90ZaSSQw"}}`},
		"pbkdf2-sha512": {"shh", `{"algorithm":"pbkdf2","hash":{
			"value":"$pbkdf2-sha512$i=100000,l=64$KNyFsA2rWoE$I2CQGI9H0JxdDf3kERRI97kPCGxh0KWBIV3MxyaS191gDGfzVBGyS4BibhgqWQ0/ails8mHuU9ckASxHOOq58w"}}`},
		"ldap":   {"shh", `{"algorithm":"ldap","hash":{"value":"{SSHA384}/cgEjdoZh85DhurDeOQEMO1rMlAur93SVPbYe5XSD4lF7nNuvrBju5hUeg9A6agRemgSXGl5YuE=","encoding":"utf8"}}`},
		"hmac":   {"test", `{"algorithm":"hmac","hash":{"value":"cg7f42jH39/2EaAU4wNd4s2lKIk=","encoding":"base64","digest":"sha1","key":{"value":"736868","encoding":"hex"}}}`},
		"scrypt": {"password", `{"algorithm":"scrypt","hash":{"value":"097f6197e1b41538f723e32aa7a68e8d76227d8e432ce5faa4882a913032db29","encoding":"hex"},"salt":{"value":"abc123","encoding":"utf8"},"keylen":32,"cost":4096}`},
		"prose":  {"hello", `{"algorithm":"bcrypt","hash":{"value":"$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onlyRight(t, mustParse(t, c.raw), c.password)
		})
	}
}

// ISO/IEC 10118-3:2004, the test vectors of the reference implementation.
func TestWhirlpool(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                 "19fa61d75522a4669b44e39c1d2e1726c530232130d407f89afee0964997f7a73e83be698b288febcf88e3e03c4f0757ea8964e59b63d93708b138cc42a66eb3",
		"a":                                "8aca2602792aec6f11a67206531fb7d7f0dff59413145e6973c45001d0087b42d11bc645413aeff63a42391a39145a591a92200d560195e53b478584fdae231a",
		"abc":                              "4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c7181eebdb6c57e277d0e34957114cbd6c797fc9d95d8b582d225292076d4eef5",
		strings.Repeat("1234567890", 8):    "466ef18babb0154d25b9d38a6414f5c08784372bccb204d6549c4afadb6014294d5bd8df2a6c44e538cd047b2681a51a2c60481e88c5a20b2c2a80cf3a9a083b",
		"abcdbcdecdefdefgefghfghighijhijk": "2a987ea40f917061f5d6f0a0e4644f488a7a5a52deee656207c562f988e95c6916bdc8031bc5be1b7b947639fe050b56939baaa0adff9ae6745b7b181c3be3fd",
		strings.Repeat("a", 1_000_000):     "0c99005beb57eff50a7cf005560ddf5d29057fd86b20bfd62deca0f1ccea4af51fc15490eddc47af32bb2b66c34ff9ad8c6008ad677f77126953b226e4ed8b01",
	} {
		h := newWhirlpool()
		for part := range strings.SplitAfterSeq(in, "g") { // Writes of uneven size.
			h.Write([]byte(part))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("%.20q: %s, want %s", in, got, want)
		}
		if again := hex.EncodeToString(h.Sum(nil)); again != want {
			t.Errorf("%.20q: a second Sum gives another digest", in)
		}
	}
}

func TestPublicVectors(t *testing.T) {
	for name, c := range map[string]struct{ password, raw string }{
		// RFC 1320, 1321, 3174, 6234 and FIPS 180: the digest of "abc".
		"md4":    {"abc", `{"algorithm":"md4","hash":{"value":"a448017aaf21d8525fc10ae87aa6729d","encoding":"hex"}}`},
		"md5":    {"abc", `{"algorithm":"md5","hash":{"value":"900150983CD24FB0D6963F7D28E17F72","encoding":"hex"}}`},
		"sha1":   {"abc", `{"algorithm":"sha1","hash":{"value":"a9993e364706816aba3e25717850c26c9cd0d89d","encoding":"hex"}}`},
		"sha256": {"abc", `{"algorithm":"sha256","hash":{"value":"ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0","encoding":"base64"}}`},
		"sha512": {"abc", `{"algorithm":"sha512","hash":{"value":"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f","encoding":"hex"}}`},
		// The example of the schema itself: MD5('salt' + 'password').
		"md5 salted": {"password", `{"algorithm":"md5","hash":{"value":"67A1E09BB1F83F5007DC119C14D663AA","encoding":"hex"},"salt":{"value":"salt"}}`},
		// MS-NLMP 4.2.2.1.1: NTOWF("Password") without the HMAC, the NT hash.
		"nt": {"Password", `{"algorithm":"md4","hash":{"value":"a4f49c406510bdcab6824ee7c30fd852","encoding":"hex"},"password":{"encoding":"utf16le"}}`},
		// RFC 4231 test case 2, RFC 2202 and RFC 2286.
		"hmac-sha256":    {"what do ya want for nothing?", hmacCase("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")},
		"hmac-sha224":    {"what do ya want for nothing?", hmacCase("sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44")},
		"hmac-sha384":    {"what do ya want for nothing?", hmacCase("sha384", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649")},
		"hmac-sha512":    {"what do ya want for nothing?", hmacCase("sha512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737")},
		"hmac-md5":       {"what do ya want for nothing?", hmacCase("md5", "750c783e6ab0b503eaa86e310a5db738")},
		"hmac-ripemd160": {"what do ya want for nothing?", hmacCase("ripemd160", "dda6c0213a485a9e24f4742064a7f033b43c4069")},
		// The same message and key, computed with OpenSSL 3.
		"hmac-md4":       {"what do ya want for nothing?", hmacCase("md4", "be192c588a8e914d8a59b474a828128f")},
		"hmac-sha1":      {"what do ya want for nothing?", hmacCase("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")},
		"hmac-whirlpool": {"what do ya want for nothing?", hmacCase("whirlpool", "3d595ccd1d4f4cfd045af53ba7d5c8283fee6ded6eaf1269071b6b4ea64800056b5077c6a942cfa1221bd4e5aed791276e5dd46a407d2b8007163d3e7cd1de66")},
		// RFC 6070 and RFC 7914 section 11.
		"pbkdf2-sha1": {"password", phc("pbkdf2", "$pbkdf2-sha1$i=4096,l=20$"+b64("salt")+"$"+b64hex("4b007901b765489abead49d926f721d065a429c1"))},
		"pbkdf2-sha256": {"passwd", phc("pbkdf2", "$pbkdf2-RSA-SHA256$l=64,i=1$"+b64("salt")+"$"+
			b64hex("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"))},
		"scrypt": {"password", `{"algorithm":"scrypt","hash":{"encoding":"hex","value":"fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
			"salt":{"value":"TmFDbA","encoding":"base64"},"keylen":64,"cost":1024,"blockSize":8,"parallelization":16}`},
		// test.c of the reference implementation of Argon2.
		"argon2id":     {"password", phc("argon2", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")},
		"argon2id p=2": {"password", phc("argon2", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc")},
		"argon2i":      {"password", phc("argon2", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA")},
		// draft-stroeder-hashed-userpassword-values and hashcat's examples 101, 111.
		"{SHA}":  {"hashcat", phc("ldap", "{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s=")},
		"{SSHA}": {"hashcat", phc("ldap", "{ssha}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng==")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onlyRight(t, mustParse(t, c.raw), c.password)
		})
	}
}

func hmacCase(digest, want string) string {
	return fmt.Sprintf(`{"algorithm":"hmac","hash":{"value":%q,"encoding":"hex","digest":%q,"key":{"value":"Jefe"}}}`, want, digest)
}

func phc(algorithm, value string) string {
	return fmt.Sprintf(`{"algorithm":%q,"hash":{"encoding":"utf8","value":%q}}`, algorithm, value)
}

func b64(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

func b64hex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b64(string(b))
}

func TestSaltPositionsAndPepper(t *testing.T) {
	t.Parallel()
	digest := sha256.Sum256([]byte("pw" + "pepper"))
	suffix := fmt.Sprintf(`{"algorithm":"sha256","hash":{"value":"%x","encoding":"hex"},"salt":{"value":"706570706572","encoding":"hex","position":"suffix"}}`, digest)
	onlyRight(t, mustParse(t, suffix), "pw")
	// "hello" is "hel" with a suffix of "lo", and "lo" with a prefix of "hel".
	const bcryptOf = `{"algorithm":"bcrypt","hash":{"value":"$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"},"salt":`
	onlyRight(t, mustParse(t, bcryptOf+`{"value":"lo","position":"suffix"}}`), "hel")
	onlyRight(t, mustParse(t, bcryptOf+`{"value":"hel"}}`), "lo")
}

func TestPasswordEncodings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		encoding, password string
		bytes              []byte
		refused            string
	}{
		"ascii":      {"ascii", "abc", []byte("abc"), "é"},
		"utf8":       {"utf8", "é", []byte{0xc3, 0xa9}, "e"},
		"latin1":     {"latin1", "é", []byte{0xe9}, "€"},
		"binary":     {"binary", "ÿ", []byte{0xff}, "Ā"},
		"utf16le":    {"utf16le", "é€", []byte{0xe9, 0, 0xac, 0x20}, "\xff"},
		"surrogates": {"ucs2", "😀", []byte{0x3d, 0xd8, 0, 0xde}, "\xff\xfe"},
	} {
		digest := sha256.Sum256(c.bytes)
		h := mustParse(t, fmt.Sprintf(`{"algorithm":"sha256","hash":{"value":"%X","encoding":"hex"},"password":{"encoding":%q}}`, digest, c.encoding))
		if err := h.Verify(c.password); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := h.Verify(c.refused); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %q: %v, want ErrMismatch", name, c.refused, err)
		}
	}
}

func TestParseBcrypt(t *testing.T) {
	t.Parallel()
	h, err := ParseBcrypt("$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K")
	require.NoError(t, err)
	onlyRight(t, h, "hello")
	for _, bad := range []string{"", "hello", "$2y$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K",
		"$2b$12$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K", "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1"} {
		_, err := ParseBcrypt(bad)
		if e, ok := errors.AsType[*SchemaError](err); !ok || e.Code != "PATTERN" || e.Path != "password_hash" {
			t.Errorf("%q: %v, want PATTERN at password_hash", bad, err)
		}
	}
}

func TestSchemaErrors(t *testing.T) {
	t.Parallel()
	const sha1abc = `"hash":{"value":"a9993e364706816aba3e25717850c26c9cd0d89d","encoding":"hex"}`
	const scryptHash = `"hash":{"value":"097f6197e1b41538f723e32aa7a68e8d76227d8e432ce5faa4882a913032db29","encoding":"hex"}`
	for raw, want := range map[string][2]string{
		`nonsense`:                              {"FORMAT", ""},
		`{} {}`:                                 {"FORMAT", ""},
		`[]`:                                    {"INVALID_TYPE", ""},
		`{}`:                                    {"OBJECT_REQUIRED", ".algorithm"},
		`{"algorithm":"sha1"}`:                  {"OBJECT_REQUIRED", ".hash"},
		`{"algorithm":7,` + sha1abc + `}`:       {"INVALID_TYPE", ".algorithm"},
		`{"algorithm":"crypt",` + sha1abc + `}`: {"ENUM_MISMATCH", ".algorithm"},
		`{"algorithm":"sha1","hash":"x"}`:       {"INVALID_TYPE", ".hash"},
		`{"algorithm":"sha1","hash":{}}`:        {"OBJECT_REQUIRED", ".hash.encoding"},
		`{"algorithm":"sha1",` + sha1abc + `,"pepper":1}`:                                                            {"OBJECT_ADDITIONAL_PROPERTIES", ""},
		`{"algorithm":"sha1","hash":{"encoding":"utf8","value":"x"}}`:                                                {"ENUM_MISMATCH", ".hash.encoding"},
		`{"algorithm":"sha1","hash":{"encoding":"hex","value":"xx"}}`:                                                {"FORMAT", ".hash.value"},
		`{"algorithm":"sha1","hash":{"encoding":"hex","value":"aabb"}}`:                                              {"FORMAT", ".hash.value"},
		`{"algorithm":"sha256",` + sha1abc + `}`:                                                                     {"FORMAT", ".hash.value"},
		`{"algorithm":"sha1",` + sha1abc + `,"salt":{}}`:                                                             {"OBJECT_REQUIRED", ".salt.value"},
		`{"algorithm":"sha1",` + sha1abc + `,"salt":{"value":"a","position":"middle"}}`:                              {"ENUM_MISMATCH", ".salt.position"},
		`{"algorithm":"sha1",` + sha1abc + `,"salt":{"value":"zz","encoding":"hex"}}`:                                {"FORMAT", ".salt.value"},
		`{"algorithm":"sha1",` + sha1abc + `,"password":{"encoding":"utf32"}}`:                                       {"ENUM_MISMATCH", ".password.encoding"},
		`{"algorithm":"hmac",` + sha1abc + `}`:                                                                       {"OBJECT_REQUIRED", ".hash.digest"},
		`{"algorithm":"hmac","hash":{"value":"aa","encoding":"hex","digest":"sha3"}}`:                                {"ENUM_MISMATCH", ".hash.digest"},
		`{"algorithm":"hmac","hash":{"value":"aa","encoding":"hex","digest":"sha1"}}`:                                {"OBJECT_REQUIRED", ".hash.key"},
		`{"algorithm":"hmac",` + sha1abc + `,"salt":{"value":"x"}}`:                                                  {"NOT_PASSED", ".salt"},
		`{"algorithm":"bcrypt","hash":{"value":"$2x$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}}`:     {"PATTERN", ".hash.value"},
		`{"algorithm":"bcrypt","hash":{"value":"$2b$31$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}}`:     {"MAXIMUM", ".hash.value"},
		`{"algorithm":"bcrypt","hash":{"value":"$2b$03$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}}`:     {"MINIMUM", ".hash.value"},
		phc("argon2", "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"):         {"PATTERN", ".hash.value"},
		phc("argon2", "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"):        {"PATTERN", ".hash.value"},
		phc("argon2", "$argon2id$v=19$m=9999999,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"):    {"MAXIMUM", ".hash.value"},
		phc("argon2", "$argon2id$v=19$m=256,t=99999999,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"): {"MAXIMUM", ".hash.value"},
		phc("argon2", "$argon2id$v=19$m=256,t=2,p=1$c2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"):             {"FORMAT", ".hash.value"},
		phc("argon2", "$argon2id$v=19$m=8,t=2,p=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"):          {"MINIMUM", ".hash.value"},
		`{"algorithm":"argon2","hash":{"value":"x","salt":"y"}}`:                                                     {"NOT_PASSED", ".hash.salt"},
		`{"algorithm":"bcrypt","hash":{"value":"x","salt":"y"}}`:                                                     {"NOT_PASSED", ".hash.salt"},
		`{"algorithm":"argon2","hash":{"value":"x"},"salt":{"value":"y"}}`:                                           {"NOT_PASSED", ".salt"},
		phc("pbkdf2", "$pbkdf2-sha256$29000$YWJj$YWJj"):                                                              {"PATTERN", ".hash.value"},
		phc("pbkdf2", "$pbkdf2-sha256$i=1$YWJj$YWJj"):                                                                {"FORMAT", ".hash.value"},
		phc("pbkdf2", "$pbkdf2-sha256$i=1,i=2$YWJj$YWJj"):                                                            {"FORMAT", ".hash.value"},
		phc("pbkdf2", "$pbkdf2-mdc2$i=1,l=3$YWJj$YWJj"):                                                              {"ENUM_MISMATCH", ".hash.value"},
		phc("pbkdf2", "$pbkdf2-sha256$i=0,l=3$YWJj$YWJj"):                                                            {"MINIMUM", ".hash.value"},
		phc("pbkdf2", "$pbkdf2-sha256$i=9999999999,l=3$YWJj$YWJj"):                                                   {"MAXIMUM", ".hash.value"},
		phc("pbkdf2", "$pbkdf2-sha256$i=1,l=3$YWJj$YWJ"):                                                             {"FORMAT", ".hash.value"},
		phc("ldap", "{CRYPT}$6$abc$def"):                                                                             {"PATTERN", ".hash.value"},
		phc("ldap", "MD5}kAFQmDzST7DWlj99KOF/cg=="):                                                                  {"PATTERN", ".hash.value"},
		phc("ldap", ""): {"PATTERN", ".hash.value"},
		phc("ldap", "{SSHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s="):                                          {"FORMAT", ".hash.value"},
		phc("ldap", "{SHA}***"):                                                                    {"FORMAT", ".hash.value"},
		`{"algorithm":"scrypt",` + scryptHash + `}`:                                                {"OBJECT_REQUIRED", ".keylen"},
		`{"algorithm":"scrypt",` + scryptHash + `,"keylen":0}`:                                     {"MINIMUM", ".keylen"},
		`{"algorithm":"scrypt",` + scryptHash + `,"keylen":32.5}`:                                  {"INVALID_TYPE", ".keylen"},
		`{"algorithm":"scrypt",` + scryptHash + `,"keylen":"32"}`:                                  {"INVALID_TYPE", ".keylen"},
		`{"algorithm":"scrypt",` + scryptHash + `,"keylen":64}`:                                    {"FORMAT", ".hash.value"},
		`{"algorithm":"scrypt",` + scryptHash + `,"keylen":32,"cost":1000}`:                        {"FORMAT", ".cost"},
		`{"algorithm":"scrypt",` + scryptHash + `,"keylen":32,"cost":1048576,"blockSize":64}`:      {"MAXIMUM", ".blockSize"},
		`{"algorithm":"scrypt",` + scryptHash + `,"keylen":32,"cost":1048576,"parallelization":4}`: {"MAXIMUM", ".parallelization"},
		`{"algorithm":"scrypt",` + scryptHash + `,"keylen":32,"cost":9223372036854775807}`:         {"MAXIMUM", ".cost"},
	} {
		h, err := ParseCustom(json.RawMessage(raw))
		e, ok := errors.AsType[*SchemaError](err)
		if !ok || h != nil || e.Code != want[0] || e.Path != "custom_password_hash"+want[1] {
			t.Errorf("%s:\n got %v (%+v)\nwant %v", raw, err, e, want)
		}
	}
}

// Neither an error nor a printed Hash may show what was hashed.
func TestNothingPrintsTheHash(t *testing.T) {
	t.Parallel()
	const secret = "nf65EOgLrQMR"
	_, err := ParseCustom(json.RawMessage(phc("argon2", "$argon2id$v=18$m=1,t=2,p=1$c29tZXNhbHQ$"+secret)))
	h := mustParse(t, phc("argon2", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"+secret+"/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"))
	printed := fmt.Sprintf("%v %+v %#v", err, h, h)
	if strings.Contains(printed, secret) {
		t.Errorf("printed %s", printed)
	}
}

func FuzzParseCustom(f *testing.F) {
	f.Add([]byte(`{"algorithm":"md4","hash":{"value":"AbuUujgF0pPPkJPSFRTpmA==","encoding":"base64"}}`), "shh")
	f.Add([]byte(`{"algorithm":"bcrypt","hash":{"value":"$2b$04$C9hB01.YxRSTcn/ZOOo4j.TW7xCKKFKBSF.C7E0xiUwumqIDqWUXG"},"salt":{"value":"x","position":"suffix"}}`), "")
	f.Add([]byte(phc("argon2", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")), "password")
	f.Add([]byte(phc("pbkdf2", "$pbkdf2-whirlpool$i=1,l=3$YWJj$YWJj")), "x")
	f.Add([]byte(phc("ldap", "{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng==")), "hashcat")
	f.Add([]byte(hmacCase("whirlpool", strings.Repeat("ab", 64))), "x")
	f.Add([]byte(`{"algorithm":"scrypt","hash":{"value":"00","encoding":"hex"},"keylen":1,"cost":2,"password":{"encoding":"ucs2"}}`), "\xff")
	costly := []string{"bcrypt", "argon2", "pbkdf2", "scrypt"}
	f.Fuzz(func(t *testing.T, raw []byte, password string) {
		h, err := ParseCustom(raw)
		if err != nil {
			if _, ok := errors.AsType[*SchemaError](err); !ok || h != nil {
				t.Fatalf("%T with hash %v", err, h)
			}
			return
		}
		for _, name := range costly { // Parsing is the subject; the bound of the cost has its own test.
			if bytes.Contains(raw, []byte(name)) {
				return
			}
		}
		if err := h.Verify(password); err != nil && !errors.Is(err, ErrMismatch) {
			t.Fatal(err)
		}
	})
}
