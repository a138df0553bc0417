package session_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session"
)

// TestRequirementsAreShown: each requirement has a row in the package's
// documentation, and each test that a row names exists.
func TestRequirementsAreShown(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	tests := testNames(t)
	for _, line := range strings.Split(string(text), "\n") {
		row := regexp.MustCompile(`^//\t(\d+(?:\.\d+)+) .*?((?: (?:Test|Fuzz)\w+)+)$`).FindStringSubmatch(line)
		if row == nil {
			continue
		}
		rows[row[1]]++
		for name := range strings.FieldsSeq(row[2]) {
			if !tests[name] {
				t.Errorf("%s is shown by %s, which does not exist", row[1], name)
			}
		}
	}
	for id, n := range map[string]int{
		"7.1.1": 1, "7.1.2": 1, "7.1.3": 1, "7.2.1": 1, "7.2.3": 1, "7.2.4": 1, "7.3.1": 1, "7.3.2": 1, "7.4.1": 1, "7.4.2": 1,
		"7.4.3": 1, "7.4.5": 1, "7.5.1": 1, "7.5.2": 1, "7.5.3": 1, "7.6.1": 1, "3.3.1": 1, "3.3.2": 1, "3.3.3": 1, "3.3.4": 1,
		"3.3.5": 1, "10.5.5": 1, "16.2.5": 1, "16.3.1": 1, "2.2.3": 1, "2.3.3": 1, "5.1": 3, "5.1.1": 4, "5.2": 3,
	} {
		if rows[id] != n {
			t.Errorf("requirement %s has %d rows, want %d", id, rows[id], n)
		}
	}
}

// testNames are the tests of this directory.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := fs.Glob(os.DirFS("."), "*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

// TestAAL3: the stricter lifetimes are a matter of two fields.
func TestAAL3(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{Idle: 15 * time.Minute, Absolute: 12 * time.Hour})
	token := m.login(t, session.Login{UserID: "u"})
	for range 50 {
		m.clock.Advance(14 * time.Minute)
		wantValid(t, m.Manager, token)
	}
	m.clock.Advance(12*time.Hour - 50*14*time.Minute)
	wantInvalid(t, m.Manager, token, session.ErrExpired)
	token = m.login(t, session.Login{UserID: "u"})
	m.clock.Advance(15 * time.Minute)
	wantInvalid(t, m.Manager, token, session.ErrExpired)
}

// TestReauthenticationResets: a new login has new deadlines, and the session that
// it replaces is dead.
func TestReauthenticationResets(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	b := s.browser(t)
	b.login("alice")
	s.clock.Advance(55 * time.Minute)
	b.login("alice")
	list, err := s.List(t.Context(), "alice")
	if err != nil || len(list) != 1 {
		t.Fatalf("List = %v, %v", list, err)
	}
	now := s.clock.Now()
	if got := list[0]; !got.IdleAt.Equal(now.Add(time.Hour)) || !got.ExpiresAt.Equal(now.Add(24*time.Hour)) {
		t.Fatalf("deadlines are %v and %v", got.IdleAt, got.ExpiresAt)
	}
}
