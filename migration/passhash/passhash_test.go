package passhash

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// Every vector verifies with its password and with no other, converts as the
// table of the package says, and the conversion verifies by Auth0's rules with
// the same password and with no other.
func TestVectors(t *testing.T) {
	for i, v := range vectors {
		t.Run(fmt.Sprintf("%s-%d", v.format, i), func(t *testing.T) {
			t.Parallel()
			wrong := v.password + "x"
			if format, err := Identify(v.stored); err != nil || format != v.format {
				t.Errorf("Identify: %q, %v, want %q", format, err, v.format)
			}
			if err := Verify(v.stored, v.password); err != nil {
				t.Errorf("right password: %v", err)
			}
			if err := Verify(v.stored, wrong); !errors.Is(err, ErrMismatch) {
				t.Errorf("wrong password: %v, want ErrMismatch", err)
			}
			imported, err := Convert(v.stored)
			if v.field == lazy {
				if !errors.Is(err, ErrLazyOnly) {
					t.Errorf("Convert: %v, want ErrLazyOnly", err)
				}
				return
			}
			if err != nil || imported.Field != v.field {
				t.Fatalf("Convert: %v, field %q, want %q", err, imported.Field, v.field)
			}
			if err := Prove(imported, v.password); err != nil {
				t.Errorf("Prove with the right password: %v of %s", err, imported.JSON)
			}
			if err := Prove(imported, wrong); !errors.Is(err, ErrMismatch) {
				t.Errorf("Prove with a wrong password: %v, want ErrMismatch", err)
			}
		})
	}
}

func TestEveryFormatHasAVector(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, v := range vectors {
		tested[v.format] = true
	}
	// These differ from a tested format in a digest's name only.
	for _, name := range []string{"sha512-salt-prefix", "sha512-salt-suffix"} {
		tested[name] = true
	}
	for _, f := range formats {
		if !tested[f.name] {
			t.Errorf("%s has no vector", f.name)
		}
	}
}

// Without a Scheme no value may be taken for another format than its own; the
// exact JSON is what travels.
func TestConvertWritesAuth0sForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stored Stored
		field  string
		want   string
	}{
		{Stored{Value: "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}, "password_hash",
			`"$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"`},
		{Stored{Value: "$2y$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}, "custom_password_hash",
			`{"algorithm":"bcrypt","hash":{"value":"$2y$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K","encoding":"utf8"}}`},
		{Stored{Value: "pbkdf2_sha256$10000$1135411628$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE="}, "custom_password_hash",
			`{"algorithm":"pbkdf2","hash":{"value":"$pbkdf2-sha256$i=10000,l=32$MTEzNTQxMTYyOA$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE","encoding":"utf8"}}`},
		{Stored{Value: "{ssha}FLzWcQqyle6Mo7NvrwXCMAmRzXQxNjYxMTYzNw"}, "custom_password_hash",
			`{"algorithm":"ldap","hash":{"value":"{SSHA}FLzWcQqyle6Mo7NvrwXCMAmRzXQxNjYxMTYzNw==","encoding":"utf8"}}`},
		{Stored{Scheme: "nt", Value: "B4B9B02E6F09A9BD760F388B67351E2B", Salt: ""}, "custom_password_hash",
			`{"algorithm":"md4","hash":{"value":"tLmwLm8Jqb12DziLZzUeKw==","encoding":"base64"},"password":{"encoding":"utf16le"}}`},
		{Stored{Scheme: "joomla", Value: "b78f863f2c67410c41e617f724e22f34", Salt: "abc"}, "custom_password_hash",
			`{"algorithm":"md5","hash":{"value":"t4+GPyxnQQxB5hf3JOIvNA==","encoding":"base64"},"salt":{"value":"YWJj","encoding":"base64","position":"suffix"}}`},
		{Stored{Value: "SCRYPT:1024:8:1:YWJj:YWJjYWJjYWJj"}, "custom_password_hash",
			`{"algorithm":"scrypt","hash":{"value":"YWJjYWJjYWJj","encoding":"base64"},"salt":{"value":"YWJj","encoding":"base64"},"keylen":9,"cost":1024,"blockSize":8,"parallelization":1}`},
		{Stored{Scheme: "hmac-sha1", Value: "8d7cb4d4a27a438059bb83a34d1e6cc439669168", Salt: "k"}, "custom_password_hash",
			`{"algorithm":"hmac","hash":{"value":"jXy01KJ6Q4BZu4OjTR5sxDlmkWg=","encoding":"base64","digest":"sha1","key":{"value":"aw==","encoding":"base64"}}}`},
	} {
		got, err := Convert(c.stored)
		if err != nil || got.Field != c.field || string(got.JSON) != c.want {
			t.Errorf("%s: %v\n got %s %s\nwant %s %s", c.stored.Scheme, err, got.Field, got.JSON, c.field, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	key := "Vt4rHrEcdEJ+A9FBAOtqE21NX2NDaCyR3xr0PJmg+dU"
	for name, c := range map[string]struct {
		stored Stored
		want   error
	}{
		"garbage":                   {Stored{Value: "hello"}, ErrFormat},
		"binary":                    {Stored{Value: "\x00\xff"}, ErrFormat},
		"too long":                  {Stored{Value: strings.Repeat("a", maxValue+1)}, ErrFormat},
		"unknown scheme":            {Stored{Scheme: "rot13", Value: "uryyb"}, ErrFormat},
		"salt where none is taken":  {Stored{Value: "{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s=", Salt: "x"}, ErrFormat},
		"raw digest without scheme": {Stored{Value: "88a434c88cca4e900f7874cd98123f43"}, ErrFormat},
		"DES crypt":                 {Stored{Value: "ab1Hv2Lg7ltQo"}, ErrFormat},
		"bcrypt $2$":                {Stored{Scheme: "bcrypt", Value: "$2$010$FguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}, ErrFormat},
		"bcrypt $2x$":               {Stored{Value: "$2x$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}, ErrFormat},
		"bcrypt cut":                {Stored{Value: "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1"}, ErrFormat},
		"bcrypt cost 3":             {Stored{Value: "$2b$03$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}, ErrFormat},
		"bcrypt cost 17":            {Stored{Value: "$2b$17$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}, ErrTooCostly},
		"bcrypt cost 31":            {Stored{Value: "$2b$31$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}, ErrTooCostly},
		"argon2 version 16":         {Stored{Value: "argon2$argon2i$m=8,t=1,p=1$c29tZXNhbHQ$gwQOXSNhxiOxPOA0+PY10P9QFO4NAYysnqRt1GSQLE55m"}, ErrFormat},
		"argon2 of 2 GiB":           {Stored{Value: "$argon2id$v=19$m=2097152,t=1,p=4$YmxhaGJsYWhibGFoYmxhaA$" + key}, ErrTooCostly},
		"argon2 of 9,999 passes":    {Stored{Value: "$argon2id$v=19$m=65536,t=9999,p=4$YmxhaGJsYWhibGFoYmxhaA$" + key}, ErrTooCostly},
		"argon2 without passes":     {Stored{Value: "$argon2id$v=19$m=65536,t=0,p=4$YmxhaGJsYWhibGFoYmxhaA$" + key}, ErrFormat},
		"argon2 p=256":              {Stored{Value: "$argon2id$v=19$m=65536,t=1,p=256$YmxhaGJsYWhibGFoYmxhaA$" + key}, ErrTooCostly},
		"argon2 with too little m":  {Stored{Value: "$argon2id$v=19$m=8,t=1,p=2$YmxhaGJsYWhibGFoYmxhaA$" + key}, ErrFormat},
		"pbkdf2 of 2^32":            {Stored{Value: "pbkdf2_sha256$4294967295$x$" + key}, ErrTooCostly},
		"pbkdf2 of 0":               {Stored{Value: "pbkdf2_sha256$0$x$" + key}, ErrFormat},
		"pbkdf2 of unknown digest":  {Stored{Value: "pbkdf2:md2:1000$x$00112233445566778899"}, ErrFormat},
		"pbkdf2 with a wrong l":     {Stored{Value: "$pbkdf2-sha256$i=1000,l=31$YWJj$" + key}, ErrFormat},
		"identity v3 of 2^31":       {Stored{Value: "AQAAAAF/////AAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw=="}, ErrTooCostly},
		"scrypt of 64 GiB":          {Stored{Value: "SCRYPT:67108864:8:1:YWJj:YWJjYWJjYWJj"}, ErrTooCostly},
		"scrypt with r too large":   {Stored{Value: "SCRYPT:2:9999999999:1:YWJj:YWJjYWJjYWJj"}, ErrTooCostly},
		"scrypt with p too large":   {Stored{Value: "SCRYPT:16384:8:9999999:YWJj:YWJjYWJjYWJj"}, ErrTooCostly},
		"scrypt with N of 1000":     {Stored{Value: "SCRYPT:1000:8:1:YWJj:YWJjYWJjYWJj"}, ErrFormat},
		"spring scrypt of 2^40":     {Stored{Value: "{scrypt}$280801$YWJj$YWJjYWJjYWJj"}, ErrTooCostly},
		"sha512-crypt of 999999999": {Stored{Value: "$6$rounds=999999999$x$" + strings.Repeat("a", 86)}, ErrTooCostly},
		"sha1-crypt of 4294967295":  {Stored{Value: "$sha1$4294967295$x$" + strings.Repeat("a", 28)}, ErrTooCostly},
		"phpass of 2^30":            {Stored{Value: "$P$S46647711V1klyitUYhtB8Yw5DMA/w."}, ErrTooCostly},
		"phpass of 2^63":            {Stored{Value: "$P$z46647711V1klyitUYhtB8Yw5DMA/w."}, ErrFormat},
		"phpass without a count":    {Stored{Value: "$P$\xff46647711V1klyitUYhtB8Yw5DMA/w."}, ErrFormat},
		"yescrypt of 2^20":          {Stored{Value: "$y$jHT$abcdefghijkl$" + strings.Repeat("a", 43)}, ErrTooCostly},
		"yescrypt of 1 GiB":         {Stored{Value: "$y$jFz$abcdefghijkl$" + strings.Repeat("a", 43)}, ErrTooCostly},
		"$7$ without N":             {Stored{Value: "$7$!6..../....SodiumChloride$ENlyo6fGw4PCcDBOFepfSZjFUnVatHzCcW55.ZGz3B0"}, ErrFormat},
		"LDAP without salt":         {Stored{Value: "{SSHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s="}, ErrFormat},
		"LDAP with salt":            {Stored{Value: "{SHA}FLzWcQqyle6Mo7NvrwXCMAmRzXQxNjYxMTYzNw=="}, ErrFormat},
		"membership without salt":   {Stored{Scheme: "aspnet-membership-sha1", Value: "ZUgAmuaYTqAvisD0A427FA3oaWU"}, ErrFormat},
		"keycloak without data":     {Stored{Scheme: "keycloak", Value: "{}"}, ErrFormat},
	} {
		if err := Verify(c.stored, "password"); !errors.Is(err, c.want) {
			t.Errorf("Verify %s: %v, want %v", name, err, c.want)
		}
		if _, err := Convert(c.stored); !errors.Is(err, c.want) {
			t.Errorf("Convert %s: %v, want %v", name, err, c.want)
		}
		if _, err := Identify(c.stored); !errors.Is(err, c.want) {
			t.Errorf("Identify %s: %v, want %v", name, err, c.want)
		}
	}
}

func TestUserWithoutPassword(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "!", "!kFHGVDmB0Xc3cYoR", "*", "x"} {
		if err := Verify(Stored{Value: value}, value); !errors.Is(err, ErrMismatch) {
			t.Errorf("Verify %q: %v, want ErrMismatch", value, err)
		}
		if _, err := Convert(Stored{Value: value}); !errors.Is(err, ErrUnusable) {
			t.Errorf("Convert %q: %v, want ErrUnusable", value, err)
		}
	}
}

// The lazy reasons that depend on the value and not on the format.
func TestLazyByValue(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Stored{
		"argon2 with a salt of 4 bytes": {Value: "$argon2id$v=19$m=256,t=2,p=1$c2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
		"argon2 with a hash of 8":       {Value: "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM"},
		"pbkdf2 without salt":           {Value: "pbkdf2:sha256:1000$$9d592e1879fba15535ab4d90bf3a7661666c0e09385cebfe1f32226adcc9dd81"},
		"a plain text of 73 bytes":      {Scheme: "plain", Value: strings.Repeat("a", 73)},
		"a very long salt":              {Scheme: "md5-salt-prefix", Value: "57ab8499d08c59a7211c77f557bf9425", Salt: strings.Repeat("a", 1025)},
		"a very long key":               {Scheme: "hmac-md5", Value: "57ab8499d08c59a7211c77f557bf9425", Salt: strings.Repeat("a", 1025)},
	} {
		if _, err := Convert(s); !errors.Is(err, ErrLazyOnly) {
			t.Errorf("%s: %v, want ErrLazyOnly", name, err)
		}
		if err := Verify(s, "wrong"); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %v, want ErrMismatch", name, err)
		}
	}
}

func TestLongPasswords(t *testing.T) {
	t.Parallel()
	s := Stored{Value: "$P$946647711V1klyitUYhtB8Yw5DMA/w."}
	if err := Verify(s, strings.Repeat("a", MaxPassword)); !errors.Is(err, ErrMismatch) {
		t.Errorf("at the bound: %v, want ErrMismatch", err)
	}
	if err := Verify(s, strings.Repeat("a", MaxPassword+1)); !errors.Is(err, ErrTooCostly) {
		t.Errorf("beyond the bound: %v, want ErrTooCostly", err)
	}
}

// bcrypt ignores what follows 72 bytes, here and at Auth0.
func TestBcryptTakes72Bytes(t *testing.T) {
	t.Parallel()
	s := Stored{Value: "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i"} // computed of 72 times x
	long := strings.Repeat("x", 72) + "tail"
	imported, err := Convert(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Verify(s, long), Prove(imported, long)); err != nil {
		t.Error(err)
	}
	if err := Verify(s, long[:71]); !errors.Is(err, ErrMismatch) {
		t.Errorf("71 bytes: %v, want ErrMismatch", err)
	}
}

func TestProveRefusesWhatAuth0Does(t *testing.T) {
	t.Parallel()
	for name, i := range map[string]Import{
		"unknown field":   {Field: "password", JSON: json.RawMessage(`"x"`)},
		"not a string":    {Field: "password_hash", JSON: json.RawMessage(`{}`)},
		"bcrypt 12":       {Field: "password_hash", JSON: json.RawMessage(`"$2b$12$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"`)},
		"broken custom":   {Field: "custom_password_hash", JSON: json.RawMessage(`{"algorithm":"md5"}`)},
		"the zero Import": {},
	} {
		if err := Prove(i, "hello"); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

// No error and no fmt verb shows a hash, a salt or a password.
func TestNothingIsPrinted(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		secrets := []string{v.stored.Value, v.password + "-typed"}
		if len(v.stored.Salt) > 2 {
			secrets = append(secrets, v.stored.Salt)
		}
		imported, convertErr := Convert(v.stored)
		_, brokenErr := Convert(Stored{Scheme: v.stored.Scheme, Value: v.stored.Value + "#", Salt: v.stored.Salt})
		swapped := Stored{Scheme: v.stored.Value, Value: "x1"} // A mapping of the wrong columns.
		_, swappedErr := Convert(swapped)
		texts := fmt.Sprint(convertErr, brokenErr, swappedErr, swapped, v.stored, imported) + fmt.Sprintf("%+v %#v %s %q", v.stored, v.stored, imported, imported)
		for _, secret := range secrets {
			if len(secret) > 4 && strings.Contains(texts, secret) {
				t.Errorf("%s prints a secret: %s", v.format, texts)
			}
		}
	}
}

// tiny lets a fuzzer run what it finds.
var tiny = limits{
	bcryptCost: 4, argon2Memory: 64, argon2Work: 128, pbkdf2Rounds: 64, scryptMemory: 1 << 16, scryptWork: 1 << 17, digestRounds: 256,
}

func addVectors(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.stored.Scheme, v.stored.Value, v.stored.Salt, v.password)
	}
	f.Add("", "$argon2id$v=19$m=8,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2hhYmNkZWZnaA", "", "x")
	f.Add("", "pbkdf2:sha1:1$x$00112233445566778899", "", "x")
	f.Add("", "$P$546647711V1klyitUYhtB8Yw5DMA/w.", "", "")
	f.Add("", "$y$j.5$abcdefghijkl$6Ae1ZHmw2zlHO.Jiyi4DRSaVL68VzzVpeD7NidiTWK4", "", "\x00")
}

// Verify never panics, and knows only its own errors.
func FuzzVerify(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, scheme, value, salt, password string) {
		format, p, err := parse(Stored{Scheme: scheme, Value: value, Salt: salt}, tiny)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooCostly) && !errors.Is(err, ErrUnusable) {
				t.Fatalf("%v", err)
			}
			return
		}
		if format.name == "" || len(password) > MaxPassword {
			return
		}
		p.verify(password)
	})
}

// What Convert writes is always what Auth0's schema takes, and means the same.
func FuzzConvert(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, scheme, value, salt, password string) {
		format, p, err := parse(Stored{Scheme: scheme, Value: value, Salt: salt}, tiny)
		if err != nil || format.name == "plain" {
			return
		}
		imported, reason := p.convert()
		if reason != "" {
			return
		}
		h, err := parseImport(imported)
		if err != nil {
			t.Fatalf("Auth0 refuses %s: %v", imported.JSON, err)
		}
		if !utf8.ValidString(password) {
			return
		}
		if ours, theirs := p.verify(password), h.Verify(password) == nil; ours != theirs {
			t.Fatalf("Verify says %v and Auth0's rules %v of %s", ours, theirs, imported.JSON)
		}
	})
}

// The table of the package doc names every format.
func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(doc), "// # Formats")
	table, _, _ = strings.Cut(table, "// # Bounds")
	// Abbreviated there.
	short := strings.NewReplacer("bcrypt-sha1", "-sha1", "bcrypt-sha256", "-sha256", "-salt-suffix", "-salt-")
	for _, f := range formats {
		if !strings.Contains(table, f.name) && !strings.Contains(table, short.Replace(f.name)) {
			t.Errorf("%s is not in the table", f.name)
		}
	}
}
