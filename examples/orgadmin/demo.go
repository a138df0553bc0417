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
	file, applied, err := p.prepare(filepath.Join(folder, "admins.yaml"))
	if err != nil {
		return failed, err
	}
	for _, verb := range []struct {
		says string
		do   func() (int, error)
	}{
		{"plan admins.yaml", func() (int, error) { return p.declared(ctx, file, false) }},
		{"apply admins.yaml", func() (int, error) { return p.declared(ctx, file, true) }},
		{"plan admins.yaml", func() (int, error) { return p.declared(ctx, file, false) }},
		{"undo", func() (int, error) { return p.undo(ctx, applied) }},
	} {
		if !p.json {
			fmt.Fprintln(p.out, "$ orgadmin", verb.says)
		}
		if code, err = verb.do(); code == failed {
			return code, err
		}
		if !p.json {
			fmt.Fprintf(p.out, "exit code %d\n\n", code)
		}
	}
	return code, err
}

// prepare fills the tenant and writes the file.
func (p *program) prepare(name string) (file, applied string, err error) {
	tenant := auth0test.NewTenant(auth0test.Options{})
	role := tenant.AddRole("Administrator", "")
	portal := tenant.AddClient(auth0test.Application{Name: "portal"}).ID
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
	service, err := delegation.New(tenant.Management(), role, delegation.Jobs("orgadmin"), delegation.Config{
		Onboarding: delegation.Invite{ClientID: portal, Inviter: "Example Inc."}, Recorder: audit.NewMemory(),
	})
	if err != nil {
		return "", "", err
	}
	p.admin = service.As(delegation.Job("orgadmin"))
	text := fmt.Sprintf("organizations:\n  %s: [ada@example.com, carl@example.com, eve@example.com, new@example.com]\n  %s: [dora@example.com]\n", acme, globex)
	return name, filepath.Join(p.folder, acme+".applied.json"), os.WriteFile(name, []byte(text), 0o600)
}
