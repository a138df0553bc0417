package jose

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

const (
	maxMembers = 256 // of one object; bounds the comparison of names
	maxDepth   = 32
)

var errObject = errors.New("jose: not a strict JSON object")

// object is a JSON object in its order. Unlike a map it can say that a name is
// there twice, and it costs one allocation.
type object []member

type member struct{ name, value []byte }

// parseObject reads the members of the object that text is, and nothing else.
// The work is linear in the text; strict does the rest, once somebody vouches
// for it.
func parseObject(text []byte, limit int) (object, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errObject
	}
	s := scanner{text: text}
	s.space()
	if s.peek() != '{' {
		return nil, errObject
	}
	o := make(object, 0, min(limit, bytes.Count(text, []byte{','})+1))
	for s.next('}') {
		if len(o) == limit {
			return nil, errObject
		}
		m, err := s.member()
		if err != nil {
			return nil, err
		}
		o = append(o, m)
	}
	return o, nil
}

// get returns the value of the first member of that name.
func (o object) get(name string) ([]byte, bool) {
	for i := range o {
		if string(o[i].name) == name {
			return o[i].value, true
		}
	}
	return nil, false
}

// strict refuses two names that are equal, or that only case tells apart, and
// what it must refuse in the values.
func (o object) strict() error {
	for i := range o {
		for j := range o[:i] {
			if bytes.EqualFold(o[i].name, o[j].name) {
				return errObject
			}
		}
		if err := strictValue(o[i].value, 1); err != nil {
			return err
		}
	}
	return nil
}

// strictValue refuses, at any depth, an object with a name twice, a number that
// no float64 holds (encoding/json refuses it too), and too much depth.
func strictValue(value []byte, depth int) error {
	if depth > maxDepth {
		return errObject
	}
	switch value[0] {
	case '{':
		return strictObject(value, depth)
	case '[':
		s := scanner{text: value}
		for s.next(']') {
			if err := strictValue(s.value(), depth+1); err != nil {
				return err
			}
		}
		return nil
	case '"', 't', 'f', 'n':
		return nil
	}
	if _, err := strconv.ParseFloat(string(value), 64); err != nil {
		return errObject
	}
	return nil
}

func strictObject(value []byte, depth int) error {
	nested, err := parseObject(value, maxMembers)
	if err != nil {
		return err
	}
	for i := range nested {
		for j := range nested[:i] {
			if bytes.Equal(nested[i].name, nested[j].name) {
				return errObject
			}
		}
		if err := strictValue(nested[i].value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// scanner walks through text that is known to be valid JSON.
type scanner struct {
	text []byte
	pos  int
}

func (s *scanner) peek() byte { return s.text[s.pos] }

func (s *scanner) space() {
	for s.pos < len(s.text) && isSpace(s.text[s.pos]) {
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// next steps over the opening bracket or the comma, and reports whether another
// element follows before the closing one.
func (s *scanner) next(closing byte) bool {
	s.space()
	if s.peek() == closing {
		return false
	}
	s.pos++
	s.space()
	return s.peek() != closing
}

func (s *scanner) member() (member, error) {
	name := s.value()
	s.space()
	s.pos++ // the colon
	s.space()
	decoded, err := unquote(name)
	return member{name: decoded, value: s.value()}, err
}

// value steps over one value and returns its text.
func (s *scanner) value() []byte {
	start := s.pos
	switch s.peek() {
	case '"':
		s.skipString()
	case '{', '[':
		s.skipNested()
	default:
		for s.pos < len(s.text) && !isEnd(s.text[s.pos]) {
			s.pos++
		}
	}
	return s.text[start:s.pos]
}

func isEnd(c byte) bool { return c == ',' || c == '}' || c == ']' || isSpace(c) }

func (s *scanner) skipString() {
	for s.pos++; s.peek() != '"'; s.pos++ {
		if s.peek() == '\\' {
			s.pos++
		}
	}
	s.pos++
}

func (s *scanner) skipNested() {
	for depth := 0; ; {
		switch s.peek() {
		case '"':
			s.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return
		}
	}
}

// unquote returns the content of a JSON string, without a copy where it has no
// escapes.
func unquote(quoted []byte) ([]byte, error) {
	if len(quoted) < 2 || quoted[0] != '"' {
		return nil, errObject
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	var decoded string
	if err := json.Unmarshal(quoted, &decoded); err != nil {
		return nil, errObject
	}
	return []byte(decoded), nil
}
