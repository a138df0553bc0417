// Package anomaly tells a login service what is unusual about a user's login
// compared with the earlier ones: the place, the time, the device, and whether the
// user could have traveled there.
//
//	package main
//
//	import (
//		"encoding/base64"
//		"fmt"
//		"log"
//		"net/http"
//		"net/netip"
//		"os"
//		"time"
//
//		"github.com/auth0kit/auth0kit/anomaly"
//	)
//
//	func main() {
//		key, err := base64.StdEncoding.DecodeString(os.Getenv("RISK_KEY")) // openssl rand -base64 32
//		if err != nil {
//			log.Fatal(err)
//		}
//		detector, err := anomaly.New(anomaly.NewMemory(0), [][]byte{key}, anomaly.Config{}) // Geo: see package geoip
//		if err != nil {
//			log.Fatal(err)
//		}
//		http.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
//			address, _ := netip.ParseAddrPort(r.RemoteAddr)
//			attempt := anomaly.Attempt{ // of a user whose password was right
//				UserID: "auth0|42", Time: time.Now(), IP: address.Addr(), UserAgent: r.UserAgent(),
//			}
//			assessment, err := detector.Assess(r.Context(), attempt) // writes nothing
//			if err != nil {
//				http.Error(w, "try again later", http.StatusServiceUnavailable)
//				return
//			}
//			if assessment.RequiresVerification {
//				http.Error(w, "second factor needed", http.StatusForbidden)
//				return
//			}
//			err = detector.Learn(r.Context(), attempt, anomaly.Proved)
//			fmt.Fprintln(w, "welcome", assessment.Score, err)
//		})
//		log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
//	}
//
// Run [Detector.Run] beside it, so that processes share what they learn about the
// population and a restart does not lose it. Package risk does all of this and also
// decides; use it unless you only want the findings.
//
// # How it weighs
//
// A set of known values says "new" too often, and a sum of such flags cannot tell
// a user on a new phone from an attacker. So values form hierarchies (network
// prefix, ASN, country; user agent, browser family, operating system with class).
// Each level is the prior of the one below, and the whole population is the prior
// of the user: a new address of the usual provider counts little, a rare country
// counts much. Every level gives a log-likelihood ratio, "how much likelier is
// this for anybody than for this user", after Freeman et al. (NDSS 2016). A
// [Model] with weights that are never negative turns these ratios, the rate at
// which the user shows new devices, the hour of day in the user's time zone,
// distance and speed into log-odds. The ratios of network and agent also count
// together: the user's own browser excuses a new network, and both new at once
// weigh more than their sum. Browsers only update to newer versions, so an older
// version than before is evidence and a newer one is not. docs/risk has the
// measured quality.
//
// # Devices and habits
//
// A device is a device id in one browser family on one operating system: a cookie
// that turns up in another browser was copied, and is a new device. However often a
// device was seen, it weighs no more than one that is known well. How often a user
// shows an id, and comes with an address, is a habit: for a user who always did, a
// login without one is unusual, and for one who never did, an id is. An id that many
// users show counts as none, and a prefix that many share says less.
//
// Pass [Allowed] for a login that went on without a challenge. It teaches network,
// agent, hour and place at once, and a new device only from its second such login on
// a later day: whoever shares the user's network must not become the user with one
// login. Until then the device is known in the user's networks, and through their
// provider at their places. Pass [Proved] after a challenge.
//
// # Travel
//
// Speed counts from a distance of 300 km on, after both accuracy radii are
// subtracted. It does not count through anonymizing networks, whose logins leave
// no place behind, and counts for a third in a network or at a place that the user
// has used before. A known device outweighs it. Beyond eight times an airliner's
// speed the [Assessment] is also Unreachable, and package risk then asks at least
// for the prompt. Where the clock has stepped back since the last login, that login
// counts as one of just now.
//
// # What is stored
//
// A store holds one blob of at most 1 KB per user, with hashes and decayed counts
// in bounded lists, and one sketch of the population. Both are sealed (AES-256-GCM)
// with keys that are not in the store, and bound to their user: a copy of the store
// tells nobody which device id, network or hour to show, and a blob that was moved
// to another user does not open. A profile is personal data all the same, and
// [Detector.Forget] deletes it. Counts lose half of their weight in 90 days; a
// device that was not seen for 183 days is unknown again.
package anomaly
