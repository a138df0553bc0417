package actions

import (
	"fmt"
	"slices"
	"strings"
)

// Commands collects what a step wants done. Each method refuses at once what Auth0
// would refuse or drop: a restricted claim or one without a namespace, what does
// not belong to the trigger, and what is too large. When a step fails, none of its
// commands is carried out. Commands is for the goroutine that runs the step.
type Commands struct {
	trigger Trigger
	checked []string // Claims whose names New has looked at.
	size    int      // With what earlier steps have said.
	staged  *Result
}

// IDTokenClaim sets a claim of the ID token. Its name is namespaced:
// "https://example.com/plan".
func (c *Commands) IDTokenClaim(name string, value any) error {
	return c.claim("IDTokenClaim", &c.staged.IDToken, name, value, PostLogin)
}

// AccessTokenClaim sets a claim of the access token.
func (c *Commands) AccessTokenClaim(name string, value any) error {
	return c.claim("AccessTokenClaim", &c.staged.AccessToken, name, value, PostLogin, CredentialsExchange)
}

func (c *Commands) claim(command string, in *map[string]any, name string, value any, triggers ...Trigger) error {
	if err := c.allowed(command, triggers...); err != nil {
		return err
	}
	if !slices.Contains(c.checked, name) {
		if err := checkClaim(name); err != nil {
			return err
		}
	}
	if value == nil {
		return fmt.Errorf("actions: claim %q has no value; leave it out", name)
	}
	return c.put(in, name, value)
}

// AppMetadata sets a key of the user's app_metadata; nil removes it. Auth0 keeps
// what is set even if the login is denied.
func (c *Commands) AppMetadata(key string, value any) error {
	return c.metadata("AppMetadata", &c.staged.AppMetadata, key, value)
}

// UserMetadata sets a key of the user's user_metadata; nil removes it.
func (c *Commands) UserMetadata(key string, value any) error {
	return c.metadata("UserMetadata", &c.staged.UserMetadata, key, value)
}

func (c *Commands) metadata(command string, in *map[string]any, key string, value any) error {
	if err := c.allowed(command, PostLogin, PreUserRegistration); err != nil {
		return err
	}
	if key == "" || len(key) > maxName || key == "__proto__" {
		return fmt.Errorf("actions: a key of metadata has 1 to %d bytes and is not __proto__", maxName)
	}
	return c.put(in, key, value)
}

// AddScope adds a scope to the access token.
func (c *Commands) AddScope(scope string) error {
	return c.scope("AddScope", &c.staged.AddScopes, scope)
}

// RemoveScope takes a scope out of the access token. It wins over AddScope, also of
// another step.
func (c *Commands) RemoveScope(scope string) error {
	return c.scope("RemoveScope", &c.staged.RemoveScopes, scope)
}

func (c *Commands) scope(command string, in *[]string, scope string) error {
	if err := c.allowed(command, PostLogin); err != nil {
		return err
	}
	bad := func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r >= 0x7f } // RFC 6749 section 3.3
	if scope == "" || len(scope) > maxName || strings.ContainsFunc(scope, bad) {
		return fmt.Errorf("actions: a scope is one word of at most %d bytes", maxName)
	}
	if err := c.grow(len(scope) + overhead); err != nil {
		return err
	}
	*in = append(*in, scope)
	return nil
}

// RequireMFA makes Auth0 ask for a second factor, any that the user has.
func (c *Commands) RequireMFA() error {
	if err := c.allowed("RequireMFA", PostLogin); err != nil {
		return err
	}
	c.staged.MFA = true
	return nil
}

func (c *Commands) allowed(command string, triggers ...Trigger) error {
	for _, t := range triggers {
		if t == c.trigger {
			return nil
		}
	}
	return fmt.Errorf("actions: %s is not for %s", command, c.trigger)
}

// overhead is at least what the names of a command take in the answer.
const overhead = 64

func (c *Commands) put(in *map[string]any, name string, value any) error {
	size, err := sizeOf(value)
	if err != nil {
		return err
	}
	if err := c.grow(6*len(name) + size + overhead); err != nil {
		return err
	}
	if *in == nil {
		*in = make(map[string]any, 4)
	}
	(*in)[name] = value
	return nil
}

func (c *Commands) grow(n int) error {
	if c.size+n > maxCommands {
		return fmt.Errorf("actions: the commands of all steps together have more than %d kB", maxCommands>>10)
	}
	c.size += n
	return nil
}
