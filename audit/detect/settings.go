package detect

import (
	"strings"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// single makes a rule of one event, which needs no memory.
func single(name, description, advice string, matches func(e auditlog.Entry) bool) auditlog.Detection {
	return auditlog.Detection{Name: name, Description: description, Advice: advice, New: func() func(auditlog.Entry) []auditlog.Finding {
		return func(e auditlog.Entry) []auditlog.Finding {
			if e.Outcome != audit.Success && e.Type == "admin" || !matches(e) {
				return nil
			}
			return []auditlog.Finding{{Subject: subjectOf(e), Because: []string{e.ID}, Organization: e.Organization}}
		}
	}}
}

// subjectOf is who acted, or else what it was done to.
func subjectOf(e auditlog.Entry) audit.Ref {
	if !e.OnBehalfOf.IsZero() {
		return e.OnBehalfOf
	}
	if !e.Actor.IsZero() {
		return e.Actor
	}
	return e.Target
}

// writes reports whether e is a successful change of a part of the Management API.
func writes(e auditlog.Entry, resource string) bool {
	return e.Action == "admin.sapi" && e.Metadata["method"] != "get" && strings.HasPrefix(e.Metadata["resource"], resource)
}

// AttackProtectionOff finds that a part of Auth0's attack protection was switched
// off, or that it protects by nothing any more.
func AttackProtectionOff() auditlog.Detection {
	return single("attack_protection_off", "A part of attack protection was switched off.",
		"Ask who did it and why. Switch it on again, and look at the logins since then.", func(e auditlog.Entry) bool {
			return writes(e, "attack-protection/") && (e.Metadata["enabled"] == "false" || e.Metadata["shields"] == "none")
		})
}

// MFAWeakened finds that the tenant asks for a second factor less often, or that a
// factor was switched off.
func MFAWeakened() auditlog.Detection {
	return single("mfa_weakened", "The policy of second factors was weakened, or a factor was switched off.",
		"Ask who did it and why. Put the policy back, and look for logins without a second factor since then.", func(e auditlog.Entry) bool {
			return writes(e, "guardian/policies") && e.Metadata["policies"] != "all-applications" || writes(e, "guardian/factors/") && e.Metadata["enabled"] == "false"
		})
}

// ManagementScopeGranted finds that an application was allowed to use the
// Management API.
func ManagementScopeGranted() auditlog.Detection {
	return single("management_scope_granted", "An application was granted scopes of the Management API.",
		"Compare the scopes with what the application does. Remove the grant if nobody asked for it, and rotate the application's secret.", func(e auditlog.Entry) bool {
			audience := e.Metadata["audience"] // a change of a grant does not repeat it
			return writes(e, "client-grants") && e.Metadata["method"] != "delete" && e.Metadata["scope"] != "none" &&
				(strings.HasSuffix(audience, "/api/v2/") || audience == "" && e.Metadata["scope"] != "")
		})
}

// ClientSecretRead finds that somebody read an application's secret.
func ClientSecretRead() auditlog.Detection {
	return single("client_secret_read", "The secret of an application was read through the Management API.",
		"Find out whether the reader needed it. Otherwise rotate the secret, and look for client credentials exchanges from new addresses.", func(e auditlog.Entry) bool {
			return e.Action == "admin.mgmt_api_read" && strings.Contains(e.Metadata["secrets"], "client_secret")
		})
}

// TenantMemberAdded finds that somebody was let into the tenant's dashboard. Auth0's
// schemas do not say how that is logged: the rule goes by the path and the
// description of an entry.
func TenantMemberAdded() auditlog.Detection {
	return single("tenant_member_added", "Somebody was added to, or invited into, the tenant's dashboard.",
		"Check with the person who is named as the actor. Remove the member if nobody knows them.", func(e auditlog.Entry) bool {
			return e.Action == "admin.sapi" && e.Metadata["method"] != "delete" && (strings.HasPrefix(e.Metadata["resource"], "tenants/members") ||
				strings.HasPrefix(e.Metadata["resource"], "tenant-members") || strings.Contains(strings.ToLower(e.Personal["description"]), "tenant member"))
		})
}

// AllowListEntry finds addresses that attack protection no longer looks at.
func AllowListEntry() auditlog.Detection {
	return single("allow_list_entry", "An address was put on the allow list of attack protection.",
		"Check whose address it is: logins from it are not protected any more. Take it off when the reason is gone.", func(e auditlog.Entry) bool {
			list := e.Metadata["allowlist"]
			return writes(e, "attack-protection/") && list != "" && list != "none"
		})
}

// RefreshTokenReuse finds that a rotating refresh token came twice: somebody has a
// copy.
func RefreshTokenReuse() auditlog.Detection {
	return single("refresh_token_reuse", "A refresh token was used again after it was replaced: it may have been stolen.",
		"Auth0 has revoked the token's family. End the user's sessions, and look where the two uses came from. A client that renews twice at once looks the same.",
		func(e auditlog.Entry) bool { return e.Action == "token.ferrt" })
}
