// Package encode writes entries of an audit log in the forms that receivers read:
// plain JSON, OCSF and the Elastic Common Schema.
package encode

import (
	"encoding/json"
	"fmt"

	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// Event returns an entry as one line of JSON, without a line end. Control characters
// in what users sent are escaped, as JSON does. An unknown format is an error.
func Event(f auditlog.Format, e auditlog.Entry) ([]byte, error) {
	var v any
	switch f {
	case auditlog.JSON:
		v = e
	case auditlog.OCSF:
		v = ocsf(e)
	case auditlog.ECS:
		v = ecs(e)
	default:
		return nil, Check(f)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return text, nil
}

// Check returns an error when the format is none of this package's.
func Check(f auditlog.Format) error {
	switch f {
	case auditlog.JSON, auditlog.OCSF, auditlog.ECS:
		return nil
	}
	return fmt.Errorf("encode: format %q is none of \"\" (plain JSON), \"ocsf\" and \"ecs\"", f)
}
