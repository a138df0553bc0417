package query

import (
	"errors"
	"slices"
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
