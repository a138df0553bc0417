package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
)

// compiled imports packages from what the compiler exports of them: ours, and
// all that they import.
var compiled = sync.OnceValues(func() (types.Importer, error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", Module+"/...").Output()
	if err != nil {
		return nil, err
	}
	files := make(map[string]string)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		files[p.ImportPath] = p.Export
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
	return &onceAtATime{from: importer.ForCompiler(token.NewFileSet(), "gc", open)}, nil
})

// onceAtATime lets parallel tests share an importer, which is not safe for that.
type onceAtATime struct {
	mu   sync.Mutex
	from types.Importer
}

func (i *onceAtATime) Import(path string) (*types.Package, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.from.Import(path)
}

// exported loads the exported types of every package.
func exported(t *testing.T) (found []*types.Named) {
	t.Helper()
	from, err := compiled()
	if err != nil {
		t.Fatal("go list -export:", err)
	}
	for _, p := range load(t) {
		if len(p.GoFiles) == 0 || p.isExample() {
			continue
		}
		pkg, err := from.Import(p.ImportPath)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range pkg.Scope().Names() {
			if o, is := pkg.Scope().Lookup(name).(*types.TypeName); is && o.Exported() && !o.IsAlias() {
				if n, is := o.Type().(*types.Named); is {
					found = append(found, n)
				}
			}
		}
	}
	return found
}

func nameOf(n *types.Named) string {
	return strings.TrimPrefix(n.Obj().Pkg().Path(), Module+"/") + "." + n.Obj().Name()
}

// words divides "NewTOTPSecrets" into new, totp and secret.
func words(name string) (all []string) {
	letters := []rune(name)
	start := 0
	for i := 1; i <= len(letters); i++ {
		if i == len(letters) || unicode.IsUpper(letters[i]) && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])) {
			all = append(all, strings.TrimSuffix(strings.ToLower(string(letters[start:i])), "s"))
			start = i
		}
	}
	return all
}

func isInternal(n *types.Named) bool {
	return slices.Contains(strings.Split(n.Obj().Pkg().Path(), "/"), "internal")
}

func hasWord(name string, of []string) bool {
	return slices.ContainsFunc(words(name), func(w string) bool {
		return slices.ContainsFunc(of, func(o string) bool { return w == strings.TrimSuffix(o, "s") })
	})
}

func isByte(t types.Type) bool {
	b, is := t.Underlying().(*types.Basic)
	return is && b.Kind() == types.Byte
}

// holdsText reports whether t is text or bytes, or a list or a map of them.
func holdsText(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&types.IsString != 0
	case *types.Slice:
		return isByte(u.Elem()) || holdsText(u.Elem())
	case *types.Array:
		return isByte(u.Elem()) || holdsText(u.Elem())
	case *types.Map:
		return holdsText(u.Elem())
	case *types.Pointer:
		return holdsText(u.Elem())
	case *types.Interface:
		return u.Empty()
	}
	return false
}

func isSecret(owner string, f *types.Var) bool {
	switch {
	case f.Embedded():
		return false
	case hasWord(f.Name(), SecretWords), hasWord(owner, SecretWords):
		return holdsText(f.Type())
	case hasWord(f.Name(), []string{"email"}):
		return hasWord(owner, LoginWords)
	case strings.HasSuffix(f.Name(), "PrivateKey"):
		return true
	case hasWord(f.Name(), []string{"key"}): // A name is a string; what seals and signs is bytes.
		return holdsText(f.Type()) && strings.Contains(types.TypeString(f.Type().Underlying(), nil), "]byte")
	}
	return false
}

func has(t types.Type, method string) bool {
	o, _, _ := types.LookupFieldOrMethod(t, false, nil, method)
	_, is := o.(*types.Func)
	return is
}

// A search collects the fields of a type that would print a secret. fmt asks
// methods for what it reaches by exported fields alone, and follows no pointer
// below the first; encoding/json sees exported fields alone and follows pointers.
type search struct {
	seen         map[place]bool
	open, closed []string        // Secrets in fields that are exported all the way, and others.
	used         map[string]bool // Of NotSecret.
}

type place struct {
	of        *types.Named
	reachable bool
}

func (s *search) in(t types.Type, reachable bool) {
	switch u := types.Unalias(t).(type) {
	case *types.Named:
		s.named(u, reachable)
	case *types.Struct:
		for f := range u.Fields() {
			s.in(f.Type(), reachable && f.Exported())
		}
	case *types.Pointer:
		if reachable {
			s.in(u.Elem(), reachable)
		}
	case *types.Slice:
		s.in(u.Elem(), reachable)
	case *types.Array:
		s.in(u.Elem(), reachable)
	case *types.Map:
		s.in(u.Elem(), reachable)
	}
}

func (s *search) named(n *types.Named, reachable bool) {
	at, top := place{n, reachable}, len(s.seen) == 0
	if p := n.Obj().Pkg(); p == nil || !strings.HasPrefix(p.Path(), Module) || s.seen[at] || !top && reachable && has(n, "Format") {
		return
	}
	s.seen[at] = true
	st, is := n.Underlying().(*types.Struct)
	switch {
	case !is && top && holdsText(n) && hasWord(n.Obj().Name(), SecretWords):
		s.found(n, "", reachable)
	case !is:
		s.in(n.Underlying(), reachable)
	default:
		for f := range st.Fields() {
			s.field(n, f, reachable && f.Exported())
		}
	}
}

func (s *search) field(owner *types.Named, f *types.Var, reachable bool) {
	_, pointer := f.Type().Underlying().(*types.Pointer)
	if !isSecret(owner.Obj().Name(), f) || pointer && !reachable {
		s.in(f.Type(), reachable)
		return
	}
	s.found(owner, f.Name(), reachable)
}

func (s *search) found(owner *types.Named, field string, reachable bool) {
	name := nameOf(owner) + "." + field
	for _, exception := range []string{name, nameOf(owner), strings.TrimPrefix(owner.Obj().Pkg().Path(), Module+"/")} {
		if NotSecret[exception] != "" {
			s.used[exception] = true
			return
		}
	}
	if reachable {
		s.open = append(s.open, name)
	} else {
		s.closed = append(s.closed, name)
	}
}

// Every exported type hides what its fields' names call a secret, or NotSecret says
// why not; TestHiddenValues prints a value of each that does.
func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	used := make(map[string]bool)
	for _, n := range exported(t) {
		hides := has(n, "Format")
		s := search{seen: make(map[place]bool), used: used}
		if !isInternal(n) {
			s.in(n, true)
		}
		if len(s.open) > 0 && !(hides && has(n, "LogValue")) {
			t.Errorf("%s prints %v: give it Format and LogValue by internal/secret, or %s a reason in NotSecret", nameOf(n), s.open, s.open[0])
		}
		if len(s.closed) > 0 && !hides {
			t.Errorf("%s has %v where fmt asks no method: keep a pointer to it, or give the type Format", nameOf(n), s.closed)
		}
		if hides && !slices.ContainsFunc(hidings, func(h hiding) bool {
			z := reflect.TypeOf(h.zero)
			return z.PkgPath()+"."+z.Name() == n.Obj().Pkg().Path()+"."+n.Obj().Name()
		}) {
			t.Errorf("%s has Format and is missing in hidings", nameOf(n))
		}
	}
	for name, reason := range NotSecret {
		if !used[name] || reason == "" {
			t.Errorf("NotSecret[%q] has no use or no reason", name)
		}
	}
}
