package query

import (
	"errors"
	"slices"
	"strings"
	"unicode"
)

// The query language of search v3: a subset of Lucene
// (https://auth0.com/docs/manage-users/user-search/user-search-query-syntax).

// Query is a node of a parsed query.
type Query interface{ IsQuery() }

type (
	Both   struct{ Left, Right Query } // AND
	Either struct{ Left, Right Query } // OR
	No     struct{ Inner Query }       // NOT
	Every  struct{}                    // the empty query, and *:*
	Exists struct{ Field string }
	Term   struct {
		Field string // Empty: any field but user_metadata.
		Text  string // Without quotes and escapes.
		Wild  []bool // Which characters of text are wildcards; nil when none.
	}
	Span struct {
		Field        string
		from, to     string // "*" is open.
		fromIn, toIn bool   // Inclusive.
	}
)

func (Both) IsQuery() {}

func (Either) IsQuery() {}

func (No) IsQuery() {}

func (Every) IsQuery() {}

func (Exists) IsQuery() {}

func (Term) IsQuery() {}

func (Span) IsQuery() {}

var ErrQuery = errors.New("auth0test: the query cannot be parsed")

// maxNesting bounds the depth of parentheses.
const maxNesting = 64

// Parse reads a query; an empty one matches every user.
func Parse(s string) (q Query, err error) {
	tokens, err := lex(s)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return Every{}, nil
	}
	defer func() {
		if v := recover(); v == ErrQuery {
			q, err = nil, ErrQuery
		} else if v != nil {
			panic(v)
		}
	}()
	p := &parser{tokens: tokens}
	q = p.or("", 0)
	p.fail(p.at < len(p.tokens))
	return q, nil
}

// parser panics with ErrQuery, which Parse returns.
type parser struct {
	tokens []token
	at     int
}

func (p *parser) fail(when bool) {
	if when {
		panic(ErrQuery)
	}
}

// peek returns the next token, one of no kind at the end.
func (p *parser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{}
}

// word consumes one of some unquoted words.
func (p *parser) word(words ...string) bool {
	t := p.peek()
	found := t.kind == 'w' && !t.quoted && slices.Contains(words, t.text)
	if found {
		p.at++
	}
	return found
}

func (p *parser) take(kind byte) bool {
	found := p.peek().kind == kind
	if found {
		p.at++
	}
	return found
}

// or reads clauses joined by OR, or by nothing, which means the same.
func (p *parser) or(field string, depth int) Query {
	p.fail(depth > maxNesting)
	left := p.and(field, depth)
	for {
		explicit := p.word("OR", "||")
		if next := p.peek().kind; next == 0 || next == ')' {
			p.fail(explicit)
			return left
		}
		left = Either{left, p.and(field, depth)}
	}
}

func (p *parser) and(field string, depth int) Query {
	left := p.not(field, depth)
	for p.word("AND", "&&") {
		left = Both{left, p.not(field, depth)}
	}
	// "a NOT b" is how people write "a AND NOT b".
	for t := p.peek(); t.kind == '-' || t.kind == '!' || t.kind == 'w' && !t.quoted && t.text == "NOT"; t = p.peek() {
		left = Both{left, p.not(field, depth)}
	}
	return left
}

func (p *parser) not(field string, depth int) Query {
	p.fail(depth > maxNesting)
	if p.word("NOT") || p.take('-') || p.take('!') {
		return No{p.not(field, depth+1)}
	}
	p.take('+')
	return p.primary(field, depth)
}

func (p *parser) primary(field string, depth int) Query {
	if p.take('(') {
		q := p.or(field, depth+1)
		p.fail(!p.take(')'))
		return q
	}
	if t := p.peek(); field == "" && t.kind == 'w' && !t.quoted && p.at+1 < len(p.tokens) && p.tokens[p.at+1].kind == ':' {
		p.at += 2
		return p.value(t.text, depth)
	}
	return p.literal(field)
}

// value reads what stands behind "field:".
func (p *parser) value(field string, depth int) Query {
	p.fail(field == "")
	switch t := p.peek(); {
	case field == "_exists_":
		return Exists{p.bound()}
	case t.kind == '[' || t.kind == '{':
		return p.span(field)
	case t.kind == '>':
		p.at++
		return Span{Field: field, from: p.bound(), to: "*", fromIn: t.equal, toIn: true}
	case t.kind == '<':
		p.at++
		return Span{Field: field, from: "*", to: p.bound(), fromIn: true, toIn: t.equal}
	}
	return p.primary(field, depth)
}

func (p *parser) literal(field string) Query {
	t := p.peek()
	p.fail(t.kind != 'w' || !t.quoted && (t.text == "AND" || t.text == "OR"))
	p.at++
	if t.text == "*" && t.wild != nil {
		if field == "" || field == "*" {
			return Every{}
		}
		return Exists{field}
	}
	q := Term{Field: field, Text: t.text, Wild: t.wild}
	p.fail(!t.quoted && len(t.wild) > 0 && t.wild[0] && q.Letters() < 3) // A wildcard leads.
	return q
}

// Letters counts the characters that are no wildcards.
func (q Term) Letters() (n int) {
	for i := range []rune(q.Text) {
		if len(q.Wild) == 0 || !q.Wild[i] {
			n++
		}
	}
	return n
}

// span reads "[a TO b]" with any mixture of brackets.
func (p *parser) span(field string) Query {
	s := Span{Field: field, fromIn: p.take('[') || !p.take('{')}
	s.from = p.bound()
	p.fail(!p.word("TO"))
	s.to = p.bound()
	s.toIn = p.take(']')
	p.fail(!s.toIn && !p.take('}'))
	return s
}

func (p *parser) bound() string {
	t := p.peek()
	p.fail(t.kind != 'w' || t.text == "")
	p.at++
	return t.text
}

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
