package guardian

import (
	"crypto/sha256"
	"slices"
	"strings"
	"unicode"
)

// grouped writes s in groups of four.
func grouped(s, between string) string {
	var groups []string
	for group := range slices.Chunk([]byte(s), 4) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, between)
}

// squeeze takes out the spaces and dashes of every kind that people, phones and
// word processors put into a code, and makes wide characters and digits of other scripts
// narrow.
func squeeze(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Pd, unicode.Cf), r == '\u2212': // Cf: of no width. The last is minus.
			return -1
		case '٠' <= r && r <= '٩': // Keyboards of Arabic and Persian write these.
			return r - '٠' + '0'
		case '۰' <= r && r <= '۹':
			return r - '۰' + '0'
		case '\uFF01' <= r && r <= '\uFF5E':
			return r - 0xFEE0
		}
		return r
	}, typed)
}

// printable is a line of text without what would change the text around it.
func printable(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\uFFFD' {
			return -1
		}
		return r
	}, s)
}

// hashOf is for comparing what is not kept.
func hashOf(what, s string) []byte {
	sum := sha256.Sum256([]byte("auth0kit/guardian " + what + "\x00" + s))
	return sum[:]
}
