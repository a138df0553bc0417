package main

import (
	"bytes"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/errgroup"
)

// The users that the quickstart migrates. Their costs are far below what a real
// system uses, so that four hundred hashes are made at once; cost is a parameter
// of the stored hash and makes no difference to a migration.

// A person is a row, and the password that its hash was made of.
type person struct {
	id       int
	email    string
	password string
	format   string
	hash     string
}

// Of every forty rows, so many have their password in this format. The rest,
// one each, have no password, a hash that nothing reads, an address that is
// none, and the address of an earlier row in other letters.
var formats = []struct {
	name  string
	share int
	hash  func(password string) (string, error)
}{
	{"bcrypt", 14, hashBcrypt},
	{"Django PBKDF2", 8, hashDjango},
	{"argon2id", 6, hashArgon2},
	{"LDAP SSHA", 4, hashSSHA},
	{phpass, 4, hashPhpass},
}

// phpass is the one format that Auth0 cannot import.
const phpass = "WordPress phpass"

// canLogIn reports whether the person has a password that somebody can verify.
func (p *person) canLogIn() bool {
	for _, f := range formats {
		if p.format == f.name {
			return true
		}
	}
	return false
}

// legacyUsers makes n people, hashing on all processors.
func legacyUsers(n int) ([]person, error) {
	people := make([]person, n)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range people {
		people[i] = person{
			id:       i + 1,
			email:    fmt.Sprintf("user%04d@example.com", i+1),
			password: "pass-" + rand.Text()[:10],
		}
		group.Go(func() error { return people[i].fill(i % 40) })
	}
	return people, group.Wait()
}

// fill gives the person the format of its place among forty.
func (p *person) fill(place int) (err error) {
	for _, f := range formats {
		if place < f.share {
			p.format = f.name
			p.hash, err = f.hash(p.password)
			return err
		}
		place -= f.share
	}
	switch place {
	case 0:
		p.format = "no password"
	case 1:
		p.format, p.hash = "unreadable hash", "x-"+rand.Text()
	case 2:
		p.format, p.email = "invalid email", fmt.Sprintf("user%04d.example.com", p.id)
		p.hash, err = hashBcrypt(p.password)
	default:
		p.format, p.email = "duplicate", fmt.Sprintf("USER%04d@example.com", p.id-39)
		p.hash, err = hashBcrypt(p.password)
	}
	return err
}

// writeCSV writes the people as another system would export them.
func writeCSV(path string, people []person) error {
	rows := [][]string{{"id", "email", "name", "verified", "password", "plan"}}
	for _, p := range people {
		id := strconv.Itoa(p.id)
		rows = append(rows, []string{id, p.email, "User " + id, strconv.FormatBool(p.id%3 != 0), p.hash, []string{"free", "pro"}[p.id%2]})
	}
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}

func hashBcrypt(password string) (string, error) {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	return string(h), err
}

func hashDjango(password string) (string, error) {
	const iterations = 1000
	salt := rand.Text()[:12]
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), iterations, sha256.Size)
	return fmt.Sprintf("pbkdf2_sha256$%d$%s$%s", iterations, salt, base64.StdEncoding.EncodeToString(key)), err
}

func hashArgon2(password string) (string, error) {
	const time, memory, threads = 1, 256, 1
	salt := randomBytes(16)
	key := argon2.IDKey([]byte(password), salt, time, memory, threads, 32)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", memory, time, threads, b64(salt), b64(key)), nil
}

func hashSSHA(password string) (string, error) {
	salt := randomBytes(8)
	sum := sha1.Sum(append([]byte(password), salt...))
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...)), nil
}

// hashPhpass is WordPress's hash before version 6.8: MD5, iterated.
func hashPhpass(password string) (string, error) {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	const log2 = 8
	salt := rand.Text()[:8]
	sum := md5.Sum([]byte(salt + password))
	for range 1 << log2 {
		sum = md5.Sum(append(sum[:], password...))
	}
	return "$P$" + alphabet[log2:log2+1] + salt + phpassBase64(sum[:], alphabet), nil
}

// phpassBase64 writes the bits of b from the lowest up, six at a time.
func phpassBase64(b []byte, alphabet string) string {
	var out []byte
	for i := 0; i < len(b); i += 3 {
		var value, bytes uint
		for ; bytes < 3 && i+int(bytes) < len(b); bytes++ {
			value |= uint(b[i+int(bytes)]) << (8 * bytes)
		}
		for c := uint(0); c <= bytes; c++ {
			out = append(out, alphabet[value>>(6*c)&63])
		}
	}
	return string(out)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}
