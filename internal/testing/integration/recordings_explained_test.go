package integration

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// besides is the difference of a list, and of its total, that shows what the
// recorded tenant had from before.
const besides = `^[.\w]*: \d+( items)?, recorded \d+$`

// olderTenant are the differences of tenant settings that a GET shows by default.
const olderTenant = `^\.sandbox_versions_available: 2 items, recorded 3$|^\.(allow_organization_name_in_authentication_api|allowed_logout_urls|change_password|` +
	`client_id_metadata_document_supported|customize_mfa_in_postlogin_action|default_audience|default_directory|dynamic_client_registration_security_mode|` +
	`(idle_)?(ephemeral_)?session_lifetime|guardian_mfa_page|oidc_logout|phone_consolidated_experience|pushed_authorization_requests_supported|` +
	`resource_parameter_profile|session_cookie|sessions): not in the recording$`

// explanations say of interactions why no tenant could answer them alike. place
// is matched against the cassette and number, diff, if any, against each
// difference: all must match.
var explanations = []struct{ place, diff, reason string }{
	{`^TestUserManager_(List|Delete)RefreshTokens #[02]$`, `^\.(tokens|next|total)`, "the cassette was made by hand: two tokens of one id, and a next page after the last"},
	{`^TestDeviceCredentials_`, `^status 400, recorded 201: .*does not match pattern|^\.(device_credentials|total): 0`, "the cassette was made by hand: Auth0's own schema refuses the request"},
	{`^TestSigningKey/`, `\.(pkcs7|previous|revoked|current\w*):`, "the cassette was made by hand: several keys are the previous one at once"},
	{`^TestActionManager_Test #4$`, `^\.payload\.(error: missing|stats\.\w+_ms)`, "the recorded tenant ran the code"},
	{`^TestActionManager_Triggers #0$`, `^\.triggers: 21 items, recorded 13$`, "Auth0 has more triggers and runtimes since"},
	{`^TestTenantManager #[345]$`, `ephemeral_session_lifetime: .*, recorded 0\.08333333333333333$|` + olderTenant, "the recorded answer does not belong to the request: edited by hand"},
	{`^TestTenantManager`, olderTenant, "recorded of a tenant that showed only what was set, when Auth0 had older versions of Node; the newer ones of the Terraform provider show the defaults that are shown here"},
	{`^TestEncryptionKeyManager_(List #1|Rekey #[02])$`, besides, "lists what the recorded tenant had besides"},
	{`^TestEncryptionKeyManager_(CreatePublicWrappingKey|ImportWrappedKey) #1$`, `^\.public_key: `, "a new key each time"},
	{`^TestEncryptionKeyManager_ImportWrappedKey #2$`, `^status 400, recorded 201: .*wrapped key is not valid`, "wrapped for the recorded tenant's key"},
	{`^TestPromptManager_ListRendering #5$`, besides, "lists what the recorded tenant had besides"},
	{`^TestPromptManager_SetPartials #0$`, `recorded "kunal.dawar"$`, "edited by hand: the answer names another domain than the request"},
	{`^TestCustomDomainManager_(ReadDefault|UpdateDefault)/`, `^\.(custom_domain_id|domain|domain_metadata|status|tls_policy|type|verification|origin_domain_name)\b`, "the cassette was made by hand: its ids are not in Auth0's form"},
	{`^TestCustomDomainManager_List #2$`, besides, "lists what the recorded tenant had besides"},
	{`^TestCustomDomainManager_(List|ListWithPagination|Read) #[01]$`, `^\.primary: true, recorded false$|^\.verification\.(methods|status)\b`, "recorded when the domain was in another state, or before 2024"},
	{`^Test(Branding|Prompt)Manager_.* #0$`, `^\.verification\.methods\[0\]\.|^\.primary: true, recorded false$`, "recorded when the tenant had a primary domain, or before 2024"},
	{`^Test(Flow|FlowVaultConnection|Form)Manager_.* #0$`, `status 201, recorded 200`, "recorded before September 2024, when a creation answered 200"},
	{`^Test(Flow|FlowVaultConnection|Form)Manager_(Read|Update) #1$`, `: missing$|: not in the recording$`, "recorded before September 2024, with what a document had then"},
	{`^Test(Flow|Form|EventStream|SelfServiceProfile|UserAttributeProfile)Manager_List #1$`, besides, "lists what the recorded tenant had besides"},
	{`^TestCustomDomainManager_ListWithPagination #[34]$`, `recorded "Fe26|from' parameter|\.primary: true, recorded false$`, "Auth0 seals the cursors: one of another tenant cannot be read"},
	{`^TestStatManager_(ActiveUsers|Daily) #0$`, besides, "counts what happened in the recorded tenant before"},
	{`^TestGrantManager_List #0$`, besides, "lists what the recorded tenant had before"},
	{`^TestConnectionManager_Read/.* #3$`, `status 204, recorded 202`, "recorded while the first deletion was still running"},
	{`^Test(ClientGrant_IsSystem #10|Client_List #1|Client_MyOrganizationConfiguration #3|ResourceServer_ExpressConfiguration #9|ConnectionManager_List #1)$`, besides,
		"lists what the recorded tenant had besides"},
	{`^TestClient_(ExpressConfiguration|TokenVaultPrivilegedAccess(OnCreate)?) #\d+$`, `^\.refresh_token\.(idle_)?token_lifetime: `,
		"the recorded tenants differ in these defaults: the newer one, of the Terraform provider, has those of here"},
	{`^Test(Client_Create(LinkedToResourceServer|WithClientRefreshToken)|OrganizationManager_ClientGrants|RoleManager_Permissions|UserManager_Permissions) #\d$`, `^\.subject_type_authorization: not in the recording$`,
		"recorded before APIs had the property"},
	{`^TestApplyActionsListDefaultsWithNilOptions #0$`, besides + `|^\.total: missing$`, "lists what the recorded tenant had besides"},
}

func explain(place string, diffs []string) string {
	for _, e := range explanations {
		diff := regexp.MustCompile(e.diff)
		if regexp.MustCompile(e.place).MatchString(place) && !slices.ContainsFunc(diffs, func(d string) bool { return !diff.MatchString(d) }) {
			return e.reason
		}
	}
	return ""
}

// settingsOfRecording are the paths of documents that a tenant has one of. Where
// a cassette begins by reading one, the recorded tenant's is set first.
var settingsOfRecording = regexp.MustCompile(`^/api/v2/(attack-protection/[a-z-]+|guardian/factors/[a-z-]+/.+|tenants/settings|prompts/mfa-push|prompts|branding)$`)

// notSettable are what a document shows and does not take.
var notSettable = []string{"sandbox_versions_available", "pre-custom-token-exchange", "enabled", "universal_login"}

// prepare sets what the recorded tenant was set to, and adds what it had.
func (p *player) prepare(t *testing.T, c cassette) {
	t.Helper()
	p.seed(t, c)
	seen := make(map[string]bool)
	for i := range c.Interactions {
		x := &c.Interactions[i]
		path := pathOf(x)
		if seen[path] || !settingsOfRecording.MatchString(path) {
			continue
		}
		seen[path] = true
		if x.Request.Method != http.MethodGet || x.Response.Code != http.StatusOK {
			continue
		}
		var doc map[string]any
		if json.Unmarshal([]byte(x.Response.Body), &doc) != nil {
			continue
		}
		settable(doc, strings.Contains(path, "attack-protection"))
		p.set(t, path, doc)
	}
}

// settable removes what cannot be set, keeping enabled where it can.
func settable(doc map[string]any, enabled bool) {
	for _, k := range notSettable {
		if k != "enabled" || !enabled {
			delete(doc, k)
		}
	}
	for _, v := range doc {
		if m, is := v.(map[string]any); is {
			settable(m, true)
		}
	}
}

// set sends a document as the tenant takes it, by PATCH or by PUT.
func (p *player) set(t *testing.T, path string, doc map[string]any) {
	t.Helper()
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodPatch, http.MethodPut} {
		x := &interaction{}
		x.Request.Method, x.Request.URL, x.Request.Body = method, "https://"+recordedHost+path, string(body)
		x.Response.Code = http.StatusOK
		diffs, err := p.play(x)
		if err != nil {
			t.Fatal(err)
		}
		if len(diffs) == 0 || !strings.HasPrefix(diffs[0], "status 404") {
			return
		}
	}
}
