package query

import (
	"strings"
	"unicode"
)

// token is a lexical element: one of ( ) [ ] { } : + - ! and comparisons, or a word.
type token struct {
	kind   byte // The character; 'w' for a word; '<' and '>' may have equal.
	text   string
	wild   []bool
	quoted bool
	equal  bool
}

// lex splits a query.
func lex(s string) ([]token, error) {
	var out []token
	runes := []rune(s)
	for i := 0; i < len(runes); {
		switch r := runes[i]; {
		case unicode.IsSpace(r):
			i++
		case strings.ContainsRune("()[]{}:", r):
			out = append(out, token{kind: byte(r)})
			i++
		case strings.ContainsRune("+-!", r) && startsWord(runes, i):
			out = append(out, token{kind: byte(r)})
			i++
		case (r == '<' || r == '>') && afterColon(out):
			t := token{kind: byte(r)}
			if i++; i < len(runes) && runes[i] == '=' {
				t.equal = true
				i++
			}
			out = append(out, t)
		case r == '"':
			t, next, err := lexQuoted(runes, i+1)
			if err != nil {
				return nil, err
			}
			out, i = append(out, t), next
		default:
			t, next, err := lexWord(runes, i)
			if err != nil {
				return nil, err
			}
			out, i = append(out, t), next
		}
	}
	return out, nil
}

// startsWord reports whether an operator at i stands before something, and not
// inside a word (which lexWord reads).
func startsWord(runes []rune, i int) bool { return i+1 < len(runes) && !unicode.IsSpace(runes[i+1]) }

func afterColon(tokens []token) bool {
	return len(tokens) > 0 && tokens[len(tokens)-1].kind == ':'
}

func lexQuoted(runes []rune, i int) (token, int, error) {
	var text []rune
	for ; i < len(runes); i++ {
		switch {
		case runes[i] == '\\' && i+1 < len(runes):
			i++
			text = append(text, runes[i])
		case runes[i] == '"':
			return token{kind: 'w', text: string(text), quoted: true}, i + 1, nil
		default:
			text = append(text, runes[i])
		}
	}
	return token{}, i, ErrQuery
}

// lexWord reads up to a space or a delimiter. A colon ends a field's name, but
// stands in a value such as a time or a URL.
func lexWord(runes []rune, i int) (token, int, error) {
	var text []rune
	var wild []bool
	any := false
	for ; i < len(runes); i++ {
		r := runes[i]
		if unicode.IsSpace(r) || strings.ContainsRune(`()[]{}"`, r) || r == ':' && !timeColon(text, runes, i) {
			break
		}
		star := r == '*'
		if r == '\\' {
			if i++; i == len(runes) {
				return token{}, i, ErrQuery
			}
			r = runes[i]
		}
		text, wild, any = append(text, r), append(wild, star), any || star
	}
	t := token{kind: 'w', text: string(text)}
	if any {
		t.wild = wild
	}
	return t, i, nil
}

// timeColon tells the colon of "T10:00:00" from the one behind a field.
func timeColon(text, runes []rune, i int) bool {
	return len(text) > 0 && unicode.IsDigit(text[len(text)-1]) && unicode.IsDigit(text[0]) &&
		i+1 < len(runes) && unicode.IsDigit(runes[i+1])
}
