package core

import (
	"fmt"
	"strings"
	"time"
)

// policyFor is how long an answer about the policy counts. A Redis that is reached
// again after an error is asked at once.
const policyFor = time.Minute

var started = time.Now()

// refuseEviction returns an error when INFO memory does not say that nothing is
// evicted.
func refuseEviction(info [][]byte) error {
	policy := ""
	for _, text := range info {
		for line := range strings.Lines(string(text)) {
			if name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name == "maxmemory_policy" {
				policy = value
			}
		}
	}
	if policy == "noeviction" {
		return nil
	}
	return fmt.Errorf("redissession: Redis may evict sessions and what revokes them: its maxmemory-policy is %q; set noeviction, or Config.AllowEviction if what its doc says is fine", policy)
}
