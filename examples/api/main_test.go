package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// start runs the program on a free port and returns the variables that it wrote.
func start(t *testing.T) map[string]string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	env, out, done := filepath.Join(t.TempDir(), "api.env"), &output{ready: make(chan struct{})}, make(chan error, 1)
	go func() { done <- run(ctx, []string{"-addr", "127.0.0.1:0", "-env", env}, out) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the program ended with: %v", err)
		}
	})
	select {
	case <-out.ready:
	case err := <-done:
		done <- err
		t.Fatal("the program has ended")
	case <-time.After(time.Minute):
		t.Fatal("the program does not serve")
	}
	content, err := os.ReadFile(env)
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)='(.*)'$`).FindAllStringSubmatch(string(content), -1) {
		vars[m[1]] = m[2]
	}
	return vars
}

// output tells when the program serves.
type output struct {
	once  sync.Once
	ready chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("serving on")) {
		o.once.Do(func() { close(o.ready) })
	}
	return len(p), nil
}

// TestReadme executes every curl command of README.md, in order, and compares
// what it prints.
func TestReadme(t *testing.T) {
	vars := start(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for _, step := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			command, want, _ := strings.Cut(step, "\n")
			if !strings.HasPrefix(command, "curl ") {
				continue
			}
			commands++
			got, err := curl(t.Context(), expand(command, vars))
			if err != nil {
				t.Fatalf("%s: %v", command, err)
			}
			for line := range strings.Lines(expand(want, vars)) {
				if line = strings.TrimSpace(line); line != "" && !strings.Contains(got, line+"\n") {
					t.Errorf("%s prints\n%s\nwithout the line\n%s", command, got, line)
				}
			}
		}
	}
	if commands != 10 {
		t.Errorf("README.md has %d curl commands, want 10: correct the test or the document", commands)
	}
}

func expand(s string, vars map[string]string) string {
	return os.Expand(s, func(name string) string { return vars[name] })
}

// curl does what the program of that name does with -s, -i, -H and -d.
func curl(ctx context.Context, command string) (string, error) {
	words := regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`).FindAllString(command, -1)[1:]
	var headers, body []string
	var include bool
	url := ""
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "-s":
		case "-i":
			include = true
		case "-H":
			i++
			headers = append(headers, strings.Trim(words[i], `"'`))
		case "-d":
			i++
			body = append(body, strings.Trim(words[i], `"'`))
		default:
			if strings.HasPrefix(words[i], "-") || url != "" {
				return "", errors.New("this test does not know " + words[i])
			}
			url = words[i]
		}
	}
	method := http.MethodGet
	if len(body) > 0 {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(strings.Join(body, "&")))
	if err != nil {
		return "", err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	return print(req, include)
}

func print(req *http.Request, include bool) (string, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var out strings.Builder
	if include {
		out.WriteString(resp.Proto + " " + resp.Status + "\n")
		for name, values := range resp.Header {
			out.WriteString(name + ": " + strings.Join(values, ", ") + "\n")
		}
	}
	_, err = io.Copy(&out, resp.Body)
	return out.String(), err
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"-unknown"},
		{"-addr", "nowhere"},
		{"-addr", "127.0.0.1:0", "-env", filepath.Join(t.TempDir(), "missing", "api.env")},
		{"-addr", "127.0.0.1:0", "-issuer", "tenant.eu.auth0.com/api"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
