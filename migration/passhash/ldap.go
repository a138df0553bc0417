package passhash

import "strings"

var ldapFormats = []format{{name: "ldap", detect: isLDAP, parse: parseLDAP}}

// ldapLabels are the digests of RFC 2307 section 5.3 and of their later sizes,
// by label without "{", "}" and hyphen. An S in front says salted.
var ldapLabels = map[string]string{
	"md5": "md5", "sha": "sha1", "sha1": "sha1", "sha224": "sha224", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512",
}

func splitLDAP(value string) (name, encoded string, salted, ok bool) {
	label, encoded, ok := strings.Cut(value, "}")
	if !ok || label == "" || label[0] != '{' {
		return "", "", false, false
	}
	label = strings.ReplaceAll(strings.ToLower(label[1:]), "-", "")
	if name, known := ldapLabels[label]; known {
		return name, encoded, false, true
	}
	name, known := ldapLabels[strings.TrimPrefix(label, "s")]
	return name, encoded, true, known
}

// isLDAP leaves hexadecimal digests behind the same labels to Spring.
func isLDAP(value string) bool {
	_, encoded, _, ok := splitLDAP(value)
	return ok && !isSpringDigest(value) && !isSpringStandard(value) && encoded != ""
}

// parseLDAP reads {SCHEME}base64(digest(password + salt) + salt), which Auth0
// takes as it is.
func parseLDAP(s Stored, _ limits) (parsed, error) {
	name, encoded, salted, ok := splitLDAP(s.Value)
	raw, valid := fromBase64(encoded)
	if !ok || !valid {
		return parsed{}, malformed("must be a label such as {SSHA256} and base64")
	}
	size := hashes[name]().Size()
	if len(raw) < size || salted != (len(raw) > size) {
		return parsed{}, malformed("digest and salt do not have the lengths of the label")
	}
	want, salt := raw[:size], string(raw[size:])
	label := strings.TrimSuffix(strings.ToUpper(name), "1")
	if salted {
		label = "S" + label
	}
	return parsed{
		verify:  func(password string) bool { return equal(digest(name, password, salt), want) },
		convert: importCustom(customHash{Algorithm: "ldap", Hash: utf8Hash("{" + label + "}" + toBase64(raw))}),
	}, nil
}
