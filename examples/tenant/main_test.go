package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management"
)

func TestServesAClient(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	out, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-ca", ca}, w) }()

	vars := make(map[string]string)
	for lines := bufio.NewScanner(out); len(vars) < 5 && lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		vars[name] = value
	}
	pem, err := os.ReadFile(vars["SSL_CERT_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client, err := management.New(management.Config{
		Domain: vars["AUTH0_DOMAIN"], ClientID: vars["AUTH0_CLIENT_ID"], ClientSecret: vars["AUTH0_CLIENT_SECRET"],
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	users, err := client.UsersByEmail(t.Context(), "ada@example.com")
	if err != nil || len(users) != 1 {
		t.Errorf("UsersByEmail: %d users, %v", len(users), err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"-ca is missing": nil,
		"-addr:":         {"-ca", filepath.Join(t.TempDir(), "ca.pem"), "-addr", "nowhere"},
		"-ca:":           {"-ca", filepath.Join(t.TempDir(), "no", "such", "folder")},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("run(%v) = %v, want it to say %q", args, err, want)
		}
	}
}
