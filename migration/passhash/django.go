package passhash

import "strings"

// Django's other hashers are in the files of their algorithm.
var djangoFormats = []format{
	{name: "django-md5", prefixes: []string{"md5$"}, parse: parseDjangoDigest},
	{name: "django-sha1", prefixes: []string{"sha1$"}, parse: parseDjangoDigest},
}

// parseDjangoDigest reads md5$salt$hex and sha1$salt$hex; the salt may be empty.
func parseDjangoDigest(s Stored, _ limits) (parsed, error) {
	name, salt, want, ok := splitWerkzeug(s.Value)
	name = strings.ToLower(name)
	if !ok || name != "md5" && name != "sha1" || len(want) != hashes[name]().Size() {
		return parsed{}, malformed("must be md5$salt$hex or sha1$salt$hex")
	}
	return newDigest(name, want, []byte(salt), "prefix", false), nil
}
