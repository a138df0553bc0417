package actions

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Plan is what a Deployment is about to do. It holds no secret.
type Plan struct {
	of    *Deployment
	state [sha256.Size]byte
	lines []string // Each begins with +, -, ~ or a space.
	do    func(ctx context.Context, f found) error
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return p.do == nil }

// colors are ANSI colors by the sign of a line.
var colors = map[byte]string{'+': "\x1b[32m", '-': "\x1b[31m", '~': "\x1b[33m"}

// WriteDiff writes what will be done, a line for each change, with ANSI colors if
// color is set.
func (p *Plan) WriteDiff(w io.Writer, color bool) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s at %s\n", p.of.cfg.Name, p.of.p.trigger)
	if p.Empty() {
		fmt.Fprintln(&b, "    no changes")
	}
	for _, line := range p.lines {
		line = printable(line)
		if c := colors[line[0]]; color && c != "" {
			line = c + line + "\x1b[0m"
		}
		fmt.Fprintln(&b, "  "+line)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// printable replaces what would steer a terminal or begin a line of its own.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

func (d *Deployment) plan(f found) *Plan { return &Plan{of: d, state: f.state()} }

// Plan validates, reads the tenant and returns what is to be done for the pipeline
// to run. It changes nothing.
func (d *Deployment) Plan(ctx context.Context) (*Plan, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	f, err := d.look(ctx)
	if err != nil {
		return nil, err
	}
	if !f.bound() {
		if err := d.room(f.bindings); err != nil {
			return nil, err
		}
	}
	p := d.plan(f)
	p.lines = append(codeLines(f.action, d.want.Code), bindingLine(f, d.cfg.Name)...)
	if len(p.lines) > 0 {
		p.do = d.deploy
	}
	return p, nil
}

// Apply carries out a plan of this Deployment. It returns ErrDrift if the Action is
// not as it was when the plan was made. After an error, make another plan: it has
// what is left to do.
func (d *Deployment) Apply(ctx context.Context, p *Plan) error {
	if p == nil || p.of != d {
		return errors.New("actions: Apply: the plan is nil or of another Deployment")
	}
	if p.Empty() {
		return nil
	}
	f, err := d.look(ctx)
	if err != nil {
		return err
	}
	if f.state() != p.state {
		return ErrDrift
	}
	return p.do(ctx, f)
}

// codeLines say how the Action changes.
func codeLines(a *resource.Action, code string) (lines []string) {
	next, rest, _ := configOf(code)
	if a == nil {
		return append([]string{"+ Action, with the secret " + keySecret}, settingLines(shimConfig{}, next)...)
	}
	if a.Code == code {
		if !deployed(a) {
			return []string{"~ deploy the draft, which is not what runs"}
		}
		return nil
	}
	old, oldRest, _ := configOf(a.Code)
	lines = settingLines(old, next)
	if oldRest != rest || len(lines) == 0 {
		lines = append(lines, "~ code")
	}
	return lines
}

// settingLines compare what the Action was told with what it will be told.
func settingLines(old, next shimConfig) (lines []string) {
	setting := func(name, before, after string) {
		switch {
		case before == after:
		case before == "":
			lines = append(lines, fmt.Sprintf("+ %s: %s", name, after))
		default:
			lines = append(lines, fmt.Sprintf("~ %s: %s -> %s", name, before, after))
		}
	}
	fresh := old.Trigger == ""
	show := func(c shimConfig, s string) string {
		if c.Trigger == "" {
			return ""
		}
		return s
	}
	setting("url", old.URL, next.URL)
	setting("timeout", show(old, ms(old.Timeout)), ms(next.Timeout))
	setting("without an answer", show(old, cmp.Or(string(old.Unreachable), "deny")), cmp.Or(string(next.Unreachable), "deny"))
	setting("suspended users are told", show(old, cmp.Or(old.Suspended, "nothing")), cmp.Or(next.Suspended, "nothing"))
	setting("key", old.Key, next.Key)
	for _, name := range next.Sends {
		if !slices.Contains(old.Sends, name) {
			lines = append(lines, "+ sends "+name)
		}
	}
	for _, name := range old.Sends {
		if !fresh && !slices.Contains(next.Sends, name) {
			lines = append(lines, "- sends "+name)
		}
	}
	return lines
}

func ms(n int64) string { return (time.Duration(n) * time.Millisecond).String() }

// bindingLine says where the Action will run.
func bindingLine(f found, name string) []string {
	if f.bound() {
		return nil
	}
	line := "+ binding " + name
	if len(f.bindings) > 0 {
		line += ", after " + names(f.bindings)
	}
	return []string{line}
}

func names(list []resource.Binding) string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = cmp.Or(b.Name, b.ActionID)
	}
	return strings.Join(out, ", ")
}

// PlanRollback returns a plan that makes the version before the deployed one run
// again, with the settings and the key of its time: keep that key among the
// Handler's. Auth0 makes a new version of it, so a second rollback goes back to where
// the first came from. It returns ErrNoVersion if Auth0 has none; it keeps 50.
func (d *Deployment) PlanRollback(ctx context.Context) (*Plan, error) {
	f, err := d.look(ctx)
	if err != nil {
		return nil, err
	}
	if f.action == nil || f.action.Version == "" {
		return nil, ErrNoVersion
	}
	versions, err := d.target.ActionVersions(ctx, f.action.ID)
	if err != nil {
		return nil, err
	}
	runs := slices.IndexFunc(versions, func(v resource.ActionVersion) bool { return v.ID == f.action.Version })
	if runs < 0 {
		return nil, ErrNoVersion
	}
	var before *resource.ActionVersion
	for i, v := range versions {
		if v.Number < versions[runs].Number && (before == nil || v.Number > before.Number) {
			before = &versions[i]
		}
	}
	if before == nil {
		return nil, ErrNoVersion
	}
	p := d.plan(f)
	p.lines = []string{fmt.Sprintf("~ version %d of %s -> version %d of %s, with the key of that time",
		versions[runs].Number, versions[runs].CreatedAt.UTC().Format(time.DateTime), before.Number, before.CreatedAt.UTC().Format(time.DateTime))}
	id := before.ID
	p.do = func(ctx context.Context, f found) error {
		_, err := d.target.DeployActionVersion(ctx, f.action.ID, id)
		if errors.Is(err, resource.ErrNotFound) {
			return fmt.Errorf("%w: %w", ErrNoVersion, err)
		}
		return err
	}
	return p, nil
}

// PlanRemove returns a plan that unbinds the Action and deletes it.
func (d *Deployment) PlanRemove(ctx context.Context) (*Plan, error) {
	f, err := d.look(ctx)
	if err != nil {
		return nil, err
	}
	p := d.plan(f)
	if f.action == nil {
		return p, nil
	}
	if f.bound() {
		p.lines = append(p.lines, "- binding "+d.cfg.Name)
	}
	p.lines = append(p.lines, "- Action, its versions and its secret")
	p.do = func(ctx context.Context, f found) error {
		if err := d.unbind(ctx, f.action.ID); err != nil {
			return err
		}
		if err := d.target.DeleteAction(ctx, f.action.ID); !errors.Is(err, resource.ErrNotFound) {
			return err
		}
		return nil // Somebody else was first.
	}
	return p, nil
}
