// Package passhash verifies the password hashes of legacy systems and converts
// them to what Auth0 imports.
//
// A row of the legacy table becomes a [Stored]. [Convert] returns it in Auth0's
// form, and the user keeps the password. If Auth0 has no such algorithm, the user
// stays in the legacy system until the next login, when [Verify] checks the
// password and Auth0 receives it in clear text:
//
//	package main
//
//	import (
//		"errors"
//		"fmt"
//		"log"
//
//		"github.com/auth0kit/auth0kit/migration/passhash"
//	)
//
//	func main() {
//		stored := passhash.Stored{Value: "md5$NaCl$5fb1be92a23b7d3a0f2bd8cd1e7a2d0c"} // of a row
//		imported, err := passhash.Convert(stored)
//		switch {
//		case err == nil:
//			user := map[string]any{imported.Field: imported.JSON} // for the import job
//			fmt.Println(len(user))
//		case errors.Is(err, passhash.ErrLazyOnly):
//			// At the next login: passhash.Verify(stored, typed) == nil
//		case errors.Is(err, passhash.ErrUnusable):
//			// There is no password: the user resets it.
//		default:
//			log.Fatal(err)
//		}
//	}
//
// Auth0 does not report a wrong hash: the import succeeds, and the user cannot log
// in. So prove the conversion with accounts whose password you know, before you
// import anything:
//
//	err = passhash.Prove(imported, "the password of the test account")
//
// Prove follows Auth0's documented rules in separate code, so that it finds
// mistakes in a conversion.
//
// # Formats
//
// A Value that starts as the second column says identifies its format. Other
// formats need the name in the first column as Scheme (any case), because their
// values are digits only; you may also set Scheme where it is not needed. "Salt:"
// says what Stored.Salt holds, if the format takes one.
//
// "As it is" and "converted" formats keep the digest; Auth0 cannot verify "lazy
// only" formats; this package can.
//
//	name                          value                                   at Auth0
//	bcrypt                        $2a$ $2b$ $2y$, also behind bcrypt$,    as it is
//	                              {bcrypt}, {CRYPT}
//	devise                        $2a$…  Salt: the pepper                 converted
//	django-bcrypt-sha256          bcrypt_sha256$                          lazy only
//	passlib-bcrypt-sha256         $bcrypt-sha256$                         lazy only
//	wordpress                     $wp$2y$ (WordPress 6.8 and later)       lazy only
//	bcrypt-md5 -sha1 -sha256      bcrypt of the hex digest                lazy only
//	bcrypt-sha512
//	argon2                        $argon2id$ $argon2i$ of version 19,     as it is
//	                              also behind argon2, {argon2}
//	                              $argon2d$, short salts and hashes       lazy only
//	pbkdf2-phc                    $pbkdf2-sha256$i=…,l=…$                 as it is
//	passlib-pbkdf2                $pbkdf2$ $pbkdf2-sha256$ -sha512        converted
//	django-pbkdf2                 pbkdf2_sha256$ pbkdf2_sha1$             converted
//	werkzeug-pbkdf2               pbkdf2:sha256:600000$                   converted
//	pbkdf2                        sha256:1000:salt:hash                   converted
//	ldap-pbkdf2                   {PBKDF2} {PBKDF2-SHA256}                converted
//	389ds-pbkdf2                  {PBKDF2_SHA256}                         converted
//	atlassian                     {PKCS5S2}                               converted
//	mediawiki-pbkdf2              :pbkdf2:                                converted
//	keycloak                      secret_data  Salt: credential_data      converted
//	aspnet-identity-v2 -v3        base64 that starts with byte 0 or 1     converted
//	aspnet-identity-v3
//	aspnet-membership-sha1        Password  Salt: PasswordSalt            converted
//	aspnet-membership-sha256
//	aspnet-membership-hmacsha256
//	django-scrypt                 scrypt$16384$                           converted
//	werkzeug-scrypt               scrypt:32768:8:1$                       converted
//	passlib-scrypt                $scrypt$ln=                             converted
//	spring-scrypt                 {scrypt}                                converted
//	scrypt                        SCRYPT:16384:8:1:salt:hash              converted
//	scrypt-crypt                  $7$                                     converted
//	md5-crypt apr1 sha1-crypt     $1$ $apr1$ $sha1$                       lazy only
//	sha256-crypt sha512-crypt     $5$ $6$                                 lazy only
//	yescrypt                      $y$                                     lazy only
//	gost-yescrypt                 $gy$                                    lazy only
//	des-crypt                     {CRYPT} and 13 characters               lazy only
//	phpass                        $P$ $H$ (WordPress, phpBB3)             lazy only
//	drupal7                       $S$ U$S$                                lazy only
//	ldap                          {MD5} {SMD5} {SHA} {SSHA} {SSHA256} …   as it is
//	spring-pbkdf2                 {pbkdf2}  Salt: the encoder's secret    converted
//	spring-digest                 {MD5}{salt}hex {SHA-256}hex …           converted
//	spring-standard               {sha256}hex  Salt: the secret           lazy only
//	django-md5 django-sha1        md5$salt$hex sha1$salt$hex              converted
//	werkzeug-hmac                 sha256$salt$hex                         converted
//	magento2                      hex:salt:1 (and :0 :2 :3_…)             converted
//	mediawiki-a                   :A:                                     converted
//	nt                            $NT$, or 32 hex digits                  converted
//	joomla oscommerce             md5:salt, after or before               converted
//	md4 md5 sha1 sha256 sha512    hex or base64                           converted
//	md5-salt-prefix -salt-suffix  hex or base64  Salt: the salt as text,  converted
//	sha1-salt-prefix …            or behind a colon; the same for
//	sha256-salt-prefix …          sha1, sha256, sha512
//	sha512-salt-prefix …
//	hmac-md5 hmac-sha1            hex or base64  Salt: the key as text,   converted
//	hmac-sha256 hmac-sha512       or behind a colon
//	mediawiki-b                   :B: $B$                                 lazy only
//	mysql                         * and 40 hex digits                     lazy only
//	vbulletin mybb restful-auth   hex  Salt: the salt                     lazy only
//	symfony-sha512                base64  Salt: the salt                  lazy only
//	mssql                         0x0100 0x0200 (SQL Server 2005, 2012)   converted
//	postgres-md5                  md5 and hex  Salt: the role's name      converted
//	grub                          grub.pbkdf2.sha512.                     converted
//	cryptacular dlitz             $p5k2$                                  converted
//	pbkdf2-sha1 pbkdf2-sha256     hex or base64  Salt, Iterations         converted
//	pbkdf2-sha512
//	firebase                      passwordHash  Salt: salt:signerKey:     lazy only
//	                              saltSeparator:rounds:memCost
//	plain                         {noop} {plain} {clear} {cleartext}      hashed
//
// A Scheme may have options behind its name: "md5-salt-prefix@hex" and "@base64" say
// that the salt is encoded, "@latin1" that the legacy system took passwords for ISO
// 8859-1. White space and NUL bytes around a Value are padding.
//
// DES crypt looks at the first eight bytes of a password alone, and so does Verify:
// what the user typed is the password from then on.
//
// Not supported are Sun MD5 crypt, $2$ and $2x$, Argon2 of
// version 16, FSHP, Magento's chained versions, and AIX's hashes.
//
// # Bounds
//
// Parameters are checked against bounds before anything is computed, so that a
// corrupt or hostile row costs no more than some seconds and 1 GiB: bcrypt of cost
// 16, Argon2 of 1 GiB and four passes over it, 16,777,216 iterations of PBKDF2,
// scrypt of 1 GiB, 1,048,576 rounds of an iterated digest, passwords of
// [MaxPassword] bytes. Beyond them the error is [ErrTooCostly]. Everything here is
// safe for concurrent use.
package passhash
