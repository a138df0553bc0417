package passhash_test

import (
	"errors"
	"fmt"

	"github.com/auth0kit/auth0kit/migration/passhash"
)

func ExampleVerify() {
	stored := passhash.Stored{Value: "$P$BVrdsW/NUuXDi0Od0uUdk2SnJHHmQ01"} // WordPress
	fmt.Println("right:", passhash.Verify(stored, "bitnami"))
	fmt.Println("wrong:", errors.Is(passhash.Verify(stored, "guess"), passhash.ErrMismatch))
	// Output:
	// right: <nil>
	// wrong: true
}

func ExampleConvert() {
	imported, err := passhash.Convert(passhash.Stored{
		Value: "pbkdf2_sha256$10000$1135411628$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE=", // Django
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(imported.Field)
	fmt.Println(string(imported.JSON))

	_, err = passhash.Convert(passhash.Stored{Value: "$P$BVrdsW/NUuXDi0Od0uUdk2SnJHHmQ01"})
	fmt.Println(errors.Is(err, passhash.ErrLazyOnly), err)
	// Output:
	// custom_password_hash
	// {"algorithm":"pbkdf2","hash":{"value":"$pbkdf2-sha256$i=10000,l=32$MTEzNTQxMTYyOA$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE","encoding":"utf8"}}
	// true passhash: Auth0 cannot import this format; migrate the user at the next login (phpass: Auth0 has no iterated md5)
}

// The column of a Devise application and its pepper, with an account whose
// password is known.
func ExampleProve() {
	imported, err := passhash.Convert(passhash.Stored{
		Scheme: "devise", Value: "$2a$04$abcdefghijklmnopqrstuuK07M1sVzNh1IfLJ41KZH/ZJLibIumlS", Salt: "pepper",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(passhash.Prove(imported, "hashcat"))
	// Output: <nil>
}

func ExampleIdentify() {
	for _, value := range []string{
		"{SSHA}FLzWcQqyle6Mo7NvrwXCMAmRzXQxNjYxMTYzNw==",
		"$wp$2y$10$Q1xinFjrZeLWJBvxviIL6u834Fu.evIEFHAUVisQ5O.w9Dm0sMdES",
		"88a434c88cca4e900f7874cd98123f43",
	} {
		format, err := passhash.Identify(passhash.Stored{Value: value})
		fmt.Println(format, errors.Is(err, passhash.ErrFormat))
	}
	// Output:
	// ldap false
	// wordpress false
	//  true
}
