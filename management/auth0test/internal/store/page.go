package store

import (
	"encoding/base64"
	"strings"
	"time"
)

func Render[T any](rows []T, view func(T) any) []any {
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = view(r)
	}
	return out
}

// cursorTime is how the time in a cursor is written, as recorded.
const cursorTime = "2006-01-02 15:04:05.000000UTC"

// Mark is the place of a row in a list by time and id.
type Mark struct {
	At time.Time
	ID string
}

func (m Mark) Cursor() string {
	return base64.RawStdEncoding.EncodeToString([]byte(m.At.UTC().Format(cursorTime) + "," + m.ID))
}

func ParseCursor(s string) (Mark, bool) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return Mark{}, false
	}
	at, id, found := strings.Cut(string(raw), ",")
	when, err := time.Parse(cursorTime, at)
	return Mark{when, id}, found && err == nil && id != ""
}

// Compare orders the oldest first.
func (m Mark) Compare(o Mark) int {
	if c := m.At.Compare(o.At); c != 0 {
		return c
	}
	return strings.Compare(m.ID, o.ID)
}
