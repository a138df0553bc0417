package query

import (
	"errors"
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
func Parse(s string) (Query, error) {
	tokens, err := lex(s)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return Every{}, nil
	}
	p := &queryParser{tokens: tokens}
	q, err := p.or("", 0)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.tokens) {
		return nil, ErrQuery
	}
	return q, nil
}

type queryParser struct {
	tokens []token
	at     int
}

func (p *queryParser) peek() (token, bool) {
	if p.at < len(p.tokens) {
		return p.tokens[p.at], true
	}
	return token{}, false
}

// word consumes one of some unquoted words.
func (p *queryParser) word(words ...string) bool {
	t, more := p.peek()
	if !more || t.kind != 'w' || t.quoted {
		return false
	}
	for _, w := range words {
		if t.text == w {
			p.at++
			return true
		}
	}
	return false
}

func (p *queryParser) take(kind byte) bool {
	t, more := p.peek()
	if more && t.kind == kind {
		p.at++
		return true
	}
	return false
}

// or reads clauses joined by OR, or by nothing, which means the same.
func (p *queryParser) or(field string, depth int) (Query, error) {
	if depth > maxNesting {
		return nil, ErrQuery
	}
	left, err := p.and(field, depth)
	if err != nil {
		return nil, err
	}
	for {
		explicit := p.word("OR", "||")
		t, more := p.peek()
		if !more || t.kind == ')' {
			if explicit {
				return nil, ErrQuery
			}
			return left, nil
		}
		right, err := p.and(field, depth)
		if err != nil {
			return nil, err
		}
		left = Either{left, right}
	}
}

func (p *queryParser) and(field string, depth int) (Query, error) {
	left, err := p.not(field, depth)
	if err != nil {
		return nil, err
	}
	for p.word("AND", "&&") {
		right, err := p.not(field, depth)
		if err != nil {
			return nil, err
		}
		left = Both{left, right}
	}
	// "a NOT b" is how people write "a AND NOT b".
	for p.ahead("NOT", '-', '!') {
		right, err := p.not(field, depth)
		if err != nil {
			return nil, err
		}
		left = Both{left, right}
	}
	return left, nil
}

func (p *queryParser) ahead(word string, kinds ...byte) bool {
	t, more := p.peek()
	if !more {
		return false
	}
	for _, k := range kinds {
		if t.kind == k {
			return true
		}
	}
	return t.kind == 'w' && !t.quoted && t.text == word
}

func (p *queryParser) not(field string, depth int) (Query, error) {
	if depth > maxNesting {
		return nil, ErrQuery
	}
	if p.word("NOT") || p.take('-') || p.take('!') {
		inner, err := p.not(field, depth+1)
		return No{inner}, err
	}
	p.take('+')
	return p.primary(field, depth)
}

func (p *queryParser) primary(field string, depth int) (Query, error) {
	if p.take('(') {
		q, err := p.or(field, depth+1)
		if err != nil {
			return nil, err
		}
		if !p.take(')') {
			return nil, ErrQuery
		}
		return q, nil
	}
	if t, more := p.peek(); more && field == "" && t.kind == 'w' && !t.quoted &&
		p.at+1 < len(p.tokens) && p.tokens[p.at+1].kind == ':' {
		p.at += 2
		return p.value(t.text, depth)
	}
	return p.literal(field)
}

// value reads what stands behind "field:".
func (p *queryParser) value(field string, depth int) (Query, error) {
	if field == "" {
		return nil, ErrQuery
	}
	t, more := p.peek()
	switch {
	case !more:
		return nil, ErrQuery
	case field == "_exists_":
		p.at++
		if t.kind != 'w' || t.text == "" {
			return nil, ErrQuery
		}
		return Exists{t.text}, nil
	case t.kind == '(':
		p.at++
		q, err := p.or(field, depth+1)
		if err == nil && !p.take(')') {
			err = ErrQuery
		}
		return q, err
	case t.kind == '[' || t.kind == '{':
		return p.span(field)
	case t.kind == '<' || t.kind == '>':
		return p.comparison(field)
	}
	return p.literal(field)
}

func (p *queryParser) literal(field string) (Query, error) {
	t, more := p.peek()
	if !more || t.kind != 'w' || !t.quoted && (t.text == "AND" || t.text == "OR") {
		return nil, ErrQuery
	}
	p.at++
	if t.text == "*" && t.wild != nil {
		if field == "" || field == "*" {
			return Every{}, nil
		}
		return Exists{field}, nil
	}
	if !t.quoted && badWildcard(t) {
		return nil, ErrQuery
	}
	return Term{Field: field, Text: t.text, Wild: t.wild}, nil
}

// badWildcard reports a leading wildcard with less than three characters.
func badWildcard(t token) bool {
	return len(t.wild) > 0 && t.wild[0] && len(t.wild)-count(t.wild) < 3
}

func count(b []bool) (n int) {
	for _, v := range b {
		if v {
			n++
		}
	}
	return n
}

// span reads "[a TO b]" with any mixture of brackets.
func (p *queryParser) span(field string) (Query, error) {
	s := Span{Field: field, fromIn: p.tokens[p.at].kind == '['}
	p.at++
	from, err := p.bound()
	if err != nil || !p.word("TO") {
		return nil, ErrQuery
	}
	to, err := p.bound()
	if err != nil {
		return nil, err
	}
	s.from, s.to = from, to
	switch {
	case p.take(']'):
		s.toIn = true
	case p.take('}'):
	default:
		return nil, ErrQuery
	}
	return s, nil
}

func (p *queryParser) bound() (string, error) {
	t, more := p.peek()
	if !more || t.kind != 'w' || t.text == "" {
		return "", ErrQuery
	}
	p.at++
	return t.text, nil
}

// comparison reads "field:>=5".
func (p *queryParser) comparison(field string) (Query, error) {
	op := p.tokens[p.at]
	p.at++
	bound, err := p.bound()
	if err != nil {
		return nil, err
	}
	if op.kind == '>' {
		return Span{Field: field, from: bound, to: "*", fromIn: op.equal, toIn: true}, nil
	}
	return Span{Field: field, from: "*", to: bound, fromIn: true, toIn: op.equal}, nil
}
