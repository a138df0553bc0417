package management

import (
	"strings"
)

// routeOf names the operation of a request by its path without ids, such as
// "GET users/*/roles": the key under which a rate limit is learnt, and what a
// log line may show.
func routeOf(method, escapedPath string) string {
	path := strings.TrimPrefix(escapedPath, "/api/v2/")
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, segment := range segments {
		if i > 0 && (!isWord(segment) || segments[i-1] == "name") {
			segments[i] = "*"
		}
	}
	return method + " " + strings.Join(segments, "/")
}

// isWord tells Auth0's own path segments from ids: they are lower-case words
// joined by hyphens, and no id of Auth0's is.
func isWord(segment string) bool {
	if len(segment) > 30 {
		return false
	}
	for _, r := range segment {
		if (r < 'a' || r > 'z') && r != '-' {
			return false
		}
	}
	return segment != ""
}
