package mapping

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Cell is a value as a driver gives it: int64, float64, bool, []byte, string,
// time.Time or nil, the same column differently from database to database.
type Cell struct {
	Value        any
	DatabaseType string
	MySQL        bool // MariaDB calls JSON text, and writes zero dates
	Postgres     bool // its arrays are text
}

// The errors say what was expected and never what was there.
var (
	errText  = errors.New("holds something that is not text")
	errTruth = errors.New("holds something that is neither a truth value, a number nor a time")
	errTime  = errors.New("holds something that is not a time")
	errUTF8  = errors.New("holds bytes that are not UTF-8")
)

// Text is the value as text.
func (c Cell) Text() (string, error) {
	switch v := c.Value.(type) {
	case nil:
		return "", nil
	case string:
		return c.unpadded(v), checkUTF8(v)
	case []byte:
		return c.unpadded(string(v)), checkUTF8(string(v))
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case json.Number:
		return v.String(), nil
	}
	return "", errText
}

// unpadded takes away the spaces with which Postgres fills char(n).
func (c Cell) unpadded(s string) string {
	if c.DatabaseType == "BPCHAR" {
		return strings.TrimRight(s, " ")
	}
	return s
}

func checkUTF8(s string) error {
	if !utf8.ValidString(s) {
		return errUTF8
	}
	return nil
}

// truth is false for NULL, zero, false words and MySQL's zero date, and true for
// the other numbers and words, and for a time.
func (c Cell) truth() (bool, error) {
	switch v := c.Value.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	case int64:
		return v != 0, nil
	case uint64:
		return v != 0, nil
	case float64:
		return v != 0, nil
	case time.Time:
		return !v.IsZero(), nil
	case string:
		return truthOf(v)
	case json.Number:
		return truthOf(v.String())
	case []byte:
		if len(v) == 1 && v[0] <= 1 { // BIT(1)
			return v[0] == 1, nil
		}
		return truthOf(string(v))
	}
	return false, errTruth
}

func truthOf(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "0", "f", "false", "n", "no", "off":
		return false, nil
	case "1", "t", "true", "y", "yes", "on":
		return true, nil
	}
	if strings.HasPrefix(s, "0000-00-00") {
		return false, nil
	}
	if _, err := parseTime(s); err != nil {
		return false, errTruth
	}
	return true, nil
}

func (c Cell) time() (time.Time, error) {
	switch v := c.Value.(type) {
	case nil:
		return time.Time{}, nil
	case time.Time:
		return v.UTC(), nil
	case int64:
		return sinceEpoch(v), nil
	case uint64:
		return sinceEpoch(int64(min(v, 1<<62))), nil
	case float64:
		return sinceEpoch(int64(v)), nil
	case string:
		return parseTime(v)
	case json.Number:
		return parseTime(v.String())
	case []byte:
		return parseTime(string(v))
	}
	return time.Time{}, errTime
}

// sinceEpoch takes what would be after the year 5000 in seconds for milliseconds.
func sinceEpoch(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	if n > 100_000_000_000 {
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}

var layouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999 -0700 MST",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02",
}

// parseTime reads times that a database keeps as text, in UTC where they name no
// zone.
func parseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" || strings.HasPrefix(s, "0000-00-00") {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return sinceEpoch(n), nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errTime
}

// json is the value in Auth0's metadata: JSON columns and arrays as what they hold,
// times as RFC 3339, nil for NULL and zero dates.
func (c Cell) json() (any, error) {
	switch v := c.Value.(type) {
	case time.Time:
		if v.IsZero() {
			return nil, nil
		}
		return v.UTC().Format(time.RFC3339Nano), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil
		}
	case []byte:
		return c.jsonText(string(v))
	case string:
		return c.jsonText(v)
	}
	return c.Value, nil
}

func (c Cell) jsonText(s string) (any, error) {
	if err := checkUTF8(s); err != nil {
		return nil, err
	}
	s = c.unpadded(s)
	switch name := strings.ToUpper(c.DatabaseType); {
	case name == "JSON" || name == "JSONB":
		v, ok := parseJSON(s)
		if !ok {
			return nil, errors.New("holds something that is not JSON")
		}
		return v, nil
	case name == "NUMERIC" || name == "DECIMAL":
		if n, err := strconv.ParseFloat(s, 64); err == nil && len(s) <= 15 && !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n, nil
		}
	case c.MySQL && (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")): // MariaDB's JSON is text
		if v, ok := parseJSON(s); ok {
			return v, nil
		}
	case c.MySQL && strings.HasPrefix(s, "0000-00-00"):
		return nil, nil
	case c.Postgres && strings.HasPrefix(name, "_"):
		if v, ok := parseArray(s); ok {
			return v, nil
		}
	}
	return s, nil
}

// parseJSON keeps numbers as they are written: a plan warns of those that Auth0 rounds.
func parseJSON(s string) (v any, ok bool) {
	if !json.Valid([]byte(s)) {
		return nil, false
	}
	in := json.NewDecoder(strings.NewReader(s))
	in.UseNumber()
	return v, in.Decode(&v) == nil
}

// parseArray reads Postgres's text of an array with one dimension: {a,"b c",NULL}.
func parseArray(s string) ([]any, bool) {
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return nil, false
	}
	all := []any{}
	for s = s[1 : len(s)-1]; s != ""; {
		var item strings.Builder
		quoted := s[0] == '"'
		if quoted {
			s = s[1:]
		}
		for s != "" && (quoted && s[0] != '"' || !quoted && s[0] != ',') {
			if s[0] == '{' && !quoted {
				return nil, false
			}
			if s[0] == '\\' && len(s) > 1 {
				s = s[1:]
			}
			item.WriteByte(s[0])
			s = s[1:]
		}
		if quoted && s != "" {
			s = s[1:]
		}
		if s = strings.TrimPrefix(s, ","); !quoted && item.String() == "NULL" {
			all = append(all, nil)
		} else {
			all = append(all, item.String())
		}
	}
	return all, true
}
