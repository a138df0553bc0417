package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// demo plans, applies and undoes a file on a tenant in this process.
func demo(ctx context.Context, p program) (code int, err error) {
	folder, err := os.MkdirTemp("", "orgadmin")
	if err != nil {
		return failed, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	p.folder = folder
	file := filepath.Join(folder, "admins.yaml")
	if err := p.prepare(file); err != nil {
		return failed, err
	}
	verb := func(says string, do func() (int, error)) (err error) {
		if !p.json {
			fmt.Fprintln(p.out, "$ orgadmin", says)
		}
		if code, err = do(); code == failed {
			return err
		}
		if !p.json {
			fmt.Fprintf(p.out, "exit code %d\n\n", code)
		}
		return nil
	}
	for _, name := range []string{"plan", "apply", "plan"} {
		if err := verb(name+" "+file, func() (int, error) { return p.declared(ctx, file, name == "apply") }); err != nil {
			return code, err
		}
	}
	records, err := filepath.Glob(filepath.Join(folder, "*.applied.json"))
	if err != nil || len(records) != 1 {
		return failed, errors.Join(err, errors.New("apply did not leave one record"))
	}
	err = verb("undo "+records[0], func() (int, error) { return p.undo(ctx, records[0]) })
	return code, err
}

// prepare fills the tenant and writes the file.
func (p *program) prepare(name string) error {
	tenant := auth0test.NewTenant(auth0test.Options{})
	role := tenant.AddRole("Administrator", "")
	portal := tenant.AddClient(auth0test.Application{Name: "portal", LoginURL: "https://portal.example.com/login"}).ID
	acme, globex := tenant.AddOrganization("acme"), tenant.AddOrganization("globex")
	for _, u := range []struct {
		name, org string
		unproved  bool
		roles     []string
	}{
		{"ada", acme, false, []string{role}}, {"bob", acme, false, []string{role}}, {"carl", acme, false, nil},
		{"eve", "", true, nil}, {"dora", globex, false, []string{role}},
	} {
		id := tenant.AddUser(resource.User{Email: u.name + "@example.com", EmailVerified: !u.unproved}, "")
		if u.org != "" {
			tenant.AddMember(u.org, id, u.roles...)
		}
	}
	cfg := p.guards
	cfg.Onboarding, cfg.Recorder = delegation.Invite{ClientID: portal, Inviter: "Example Inc."}, audit.NewMemory()
	service, err := delegation.New(tenant.Management(), role, delegation.Jobs("orgadmin"), cfg)
	if err != nil {
		return err
	}
	p.admin = service.As(delegation.Job("orgadmin"))
	text := fmt.Sprintf("organizations:\n  %s: [ada@example.com, carl@example.com, eve@example.com, new@example.com]\n  %s: [dora@example.com]\n", acme, globex)
	return os.WriteFile(name, []byte(text), 0o600)
}
