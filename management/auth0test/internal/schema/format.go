package schema

import (
	"maps"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// HasFormat checks a format of Auth0's description; one it does not know passes.
func HasFormat(format, v string) bool {
	if check := formats[format]; check != nil {
		return check(v)
	}
	return true
}

var formats = map[string]func(string) bool{
	"email":             IsEmail,
	"email-or-empty":    func(v string) bool { return v == "" || IsEmail(v) },
	"client-id":         shapeOf(`^[A-Za-z0-9_-]{1,64}$`),
	"role-id":           shapeOf(`^rol_[A-Za-z0-9]{16}$`),
	"organization-id":   shapeOf(`^org_[A-Za-z0-9]{16}$`),
	"connection-id":     shapeOf(`^con_[A-Za-z0-9]{16}$`),
	"client-grant-id":   shapeOf(`^cgr_[A-Za-z0-9]{16}$`),
	"organization-name": shapeOf(`^[a-z0-9][a-z0-9_-]*$`),
	"user-id":           func(v string) bool { return strings.Contains(v, "|") },
	"date-time":         func(v string) bool { _, err := time.Parse(time.RFC3339, v); return err == nil },
	"uuid":              shapeOf(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`),
	"ipv4":              func(v string) bool { a, err := netip.ParseAddr(v); return err == nil && a.Is4() },
	"ipv6":              func(v string) bool { a, err := netip.ParseAddr(v); return err == nil && a.Is6() },
	"cidr":              func(v string) bool { p, err := netip.ParsePrefix(v); return err == nil && p.Addr().Is4() },
	"ipv6_cidr":         func(v string) bool { p, err := netip.ParsePrefix(v); return err == nil && p.Addr().Is6() },
	"url":               isURL,
	"uri":               isURL,
	"strict-uri":        isURL,
	"strict-https-uri":  isHTTPS,

	"strict-https-uri-or-null": isHTTPS,
	"url-or-null":              isURL,
	"callback-url":             isURLWithPlaceholders,
	"url-with-placeholders":    isURLWithPlaceholders,
	"absolute-uri-or-empty":    func(v string) bool { return v == "" || isURL(v) },
	"html-color":               shapeOf(`^#([0-9a-fA-F]{3}){1,2}$`),

	"absolute-https-uri-or-empty":                   func(v string) bool { return v == "" || isHTTPS(v) },
	"absolute-https-uri-with-placeholders-or-empty": func(v string) bool { return v == "" || strings.HasPrefix(v, "https://") && isURLWithPlaceholders(v) },
}

func shapeOf(pattern string) func(string) bool {
	return func(v string) bool { return compiled(pattern).MatchString(v) }
}

func IsEmail(v string) bool {
	a, err := mail.ParseAddress(v)
	if err != nil || a.Address != v {
		return false
	}
	_, host, _ := strings.Cut(v[strings.LastIndexByte(v, '@'):], "@")
	return strings.Contains(host, ".") && !strings.ContainsAny(host, "_[ ")
}

func isURL(v string) bool {
	u, err := url.Parse(v)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "" || u.Path != "")
}

// isURLWithPlaceholders takes {organization_name} and the like, and * for subdomains.
func isURLWithPlaceholders(v string) bool { return isURL(placeholder.ReplaceAllString(v, "x")) }

var placeholder = regexp.MustCompile(`\{[a-z_.]+\}`)

func isHTTPS(v string) bool { return strings.HasPrefix(v, "https://") && isURL(v) }

func SortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
