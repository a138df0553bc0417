package guardian_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

// Codes that another implementation makes (OATH Toolkit) are accepted.
func TestOathtool(t *testing.T) {
	t.Parallel()
	oathtool := backends.Program(t, "oathtool", "oathtool")
	show := func(secret string, at time.Time) string {
		cmd := exec.CommandContext(t.Context(), oathtool, "--totp", "--base32", "--now", at.UTC().Format("2006-01-02 15:04:05 UTC"), "-")
		cmd.Stdin = strings.NewReader(secret)
		out, err := cmd.Output()
		require.NoError(t, err)
		return strings.TrimSpace(string(out))
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s, err := guardian.New(nil, guardian.Config{
		Store: guardian.NewMemory(), Keys: [][]byte{newKey()}, Issuer: "Example", Now: func() time.Time { return now },
	})
	require.NoError(t, err)
	for i := range 5 {
		user := fmt.Sprintf("auth0|%d", i)
		key, err := s.EnrollTOTP(t.Context(), user, "ada@example.com", nil)
		require.NoError(t, err)
		if _, err := s.ConfirmTOTP(t.Context(), user, show(key.Secret(), now)); err != nil {
			t.Errorf("confirm: %v", err)
		}
		for range 4 {
			now = now.Add(97 * time.Second)
			r := guardian.Request{UserID: user, Factor: guardian.LocalTOTP, Code: show(key.Secret(), now)}
			if _, err := s.Verify(t.Context(), r); err != nil {
				t.Errorf("%s: %v", now, err)
			}
			if _, err := s.Verify(t.Context(), r); !errors.Is(err, guardian.ErrReplayed) {
				t.Errorf("again: %v", err)
			}
		}
	}
}

func enrolledKey(t *testing.T, issuer, account string) (key *guardian.TOTPKey) {
	t.Helper()
	s, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{newKey()}, Issuer: issuer})
	require.NoError(t, err)
	if key, err = s.EnrollTOTP(t.Context(), "auth0|1", account, nil); err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyURL(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"Example", "Example & Söhne", "a+b=c?d#e/f%20g"} {
		key := enrolledKey(t, issuer, "ada+mfa@example.com")
		back, err := otp.NewKeyFromURL(key.URL())
		require.NoError(t, err)
		if back.Type() != "totp" || back.Issuer() != issuer || back.AccountName() != "ada+mfa@example.com" || back.Secret() != key.Secret() ||
			back.Period() != 30 || back.Digits() != otp.DigitsSix || back.Algorithm() != otp.AlgorithmSHA1 {
			t.Errorf("the URL of the issuer %q is read as %q %q %q", issuer, back.Type(), back.Issuer(), back.AccountName())
		}
		if u, err := url.Parse(key.URL()); err != nil || u.Query().Get("issuer") != issuer || len(u.Query()) != 5 {
			t.Errorf("the issuer %q is another in the query", issuer)
		}
		if strings.ReplaceAll(key.Grouped(), " ", "") != key.Secret() || len(key.Grouped()) != 39 {
			t.Error("the grouped key is another")
		}
	}
}

func TestPNG(t *testing.T) {
	t.Parallel()
	key := enrolledKey(t, "Example", "ada@example.com")
	for _, size := range []int{1, 200, 512} {
		raw, err := key.PNG(size)
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(raw))
		require.NoError(t, err)
		if b := img.Bounds(); b.Dx() != b.Dy() || b.Dx() < size || size > 1 && b.Dx() >= size+100 {
			t.Errorf("size %d: %v", size, b)
		}
	}
	for _, size := range []int{0, -1, 4097} {
		if _, err := key.PNG(size); err == nil {
			t.Errorf("size %d was accepted", size)
		}
	}
}

// What a camera sees is the URL: read by ZBar, from the PNG and from the SVG.
func TestQRCodeIsRead(t *testing.T) {
	t.Parallel()
	zbar := backends.Program(t, "zbarimg", "zbar-tools")
	for _, account := range []string{"ada@example.com", strings.Repeat("long", 30), "Ünï cødé"} {
		key := enrolledKey(t, "Example", account)
		raw, err := key.PNG(300)
		require.NoError(t, err)
		svg, err := key.SVG()
		require.NoError(t, err)
		for kind, image := range map[string][]byte{"png": raw, "pgm": rasterize(t, svg)} {
			path := filepath.Join(t.TempDir(), "qr."+kind)
			require.NoError(t, os.WriteFile(path, image, 0o600))
			out, err := exec.CommandContext(t.Context(), zbar, "--quiet", "--raw", path).Output()
			if err != nil || strings.TrimSpace(string(out)) != key.URL() {
				t.Errorf("%s of %q is not read as its URL: %v", kind, account, err)
			}
		}
	}
}

// rasterize draws the paths of our SVG, which are rows of modules.
func rasterize(t *testing.T, svg string) []byte {
	t.Helper()
	var size int
	if _, err := fmt.Sscanf(svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d`, &size); err != nil {
		t.Fatal(err)
	}
	const scale = 4
	pixels := bytes.Repeat([]byte{255}, size*size*scale*scale)
	_, path, _ := strings.Cut(svg, `<path d="`)
	path, _, _ = strings.Cut(path, `"`)
	for run := range strings.SplitSeq(strings.TrimSuffix(path, "z"), "z") {
		var x, y, n int
		if _, err := fmt.Sscanf(run, "M%d %dh%dv1", &x, &y, &n); err != nil {
			t.Fatalf("%q: %v", run, err)
		}
		for py := y * scale; py < (y+1)*scale; py++ {
			for px := x * scale; px < (x+n)*scale; px++ {
				pixels[py*size*scale+px] = 0
			}
		}
	}
	return append(fmt.Appendf(nil, "P5 %d %d 255\n", size*scale, size*scale), pixels...)
}

func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}
