package schema

import (
	"encoding/json"
	"sync"
)

// ImportShape is the schema of a user in an import file
// (https://auth0.com/docs/manage-users/user-migration/bulk-user-import-schema).
// What stands inside the two hashes is internal/auth0hash's business.
var ImportShape = sync.OnceValue(func() *Shape {
	var s Shape
	if err := json.Unmarshal([]byte(importSchema), &s); err != nil {
		panic(err)
	}
	return &s
})

const importSchema = `{
	"type": "object", "additionalProperties": false, "required": ["email"],
	"properties": {
		"email": {"type": "string", "format": "email"},
		"email_verified": {"type": "boolean"},
		"phone_number": {"type": "string", "pattern": "^\\+[0-9]{1,15}$"},
		"phone_verified": {"type": "boolean"},
		"user_id": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^\\S*$"},
		"username": {"type": "string", "minLength": 1},
		"given_name": {"type": "string", "minLength": 1, "maxLength": 150},
		"family_name": {"type": "string", "minLength": 1, "maxLength": 150},
		"name": {"type": "string", "minLength": 1, "maxLength": 300},
		"nickname": {"type": "string", "minLength": 1, "maxLength": 300},
		"picture": {"type": "string", "format": "strict-uri"},
		"blocked": {"type": "boolean"},
		"password_hash": {"type": "string"},
		"custom_password_hash": {"type": "object"},
		"app_metadata": {"type": "object", "not": {"anyOf": [
			{"required": ["__tenant"]}, {"required": ["_id"]}, {"required": ["blocked"]}, {"required": ["clientID"]},
			{"required": ["created_at"]}, {"required": ["email"]}, {"required": ["email_verified"]}, {"required": ["globalClientID"]},
			{"required": ["global_client_id"]}, {"required": ["identities"]}, {"required": ["lastIP"]}, {"required": ["lastLogin"]},
			{"required": ["loginsCount"]}, {"required": ["metadata"]}, {"required": ["multifactor"]},
			{"required": ["multifactor_last_modified"]}, {"required": ["updated_at"]}, {"required": ["user_id"]}
		]}},
		"user_metadata": {"type": "object"},
		"mfa_factors": {"type": "array", "minItems": 1, "maxItems": 10, "items": {
			"type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
			"properties": {
				"totp": {"type": "object", "additionalProperties": false, "required": ["secret"],
					"properties": {"secret": {"type": "string", "pattern": "^[A-Z2-7]+$"}}},
				"phone": {"type": "object", "additionalProperties": false, "required": ["value"],
					"properties": {"value": {"type": "string", "pattern": "^\\+[0-9]{1,15}$"}}},
				"email": {"type": "object", "additionalProperties": false, "required": ["value"],
					"properties": {"value": {"type": "string", "format": "email"}}}
			}
		}}
	},
	"not": {"required": ["password_hash", "custom_password_hash"]}
}`

// ImportCode translates the validator's codes into those that Auth0 documents
// for imports.
func ImportCode(code string) string {
	switch code {
	case "INVALID_FORMAT":
		return "FORMAT"
	case "OBJECT_MISSING_REQUIRED_PROPERTY":
		return "OBJECT_REQUIRED"
	}
	return code
}
