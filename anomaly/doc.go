// Package anomaly knows what a user's logins look like, and says what is unusual
// about the next one: where, when, on which device, and whether he can have
// travelled there.
//
//	detector, err := anomaly.New(anomaly.NewMemory(0), anomaly.Config{Geo: geo})
//	…
//	go detector.Run(ctx) // keeps what it learns of the population
//	…
//	attempt := anomaly.Attempt{
//		UserID: user.ID, Time: time.Now(), IP: clientIP,
//		DeviceID: deviceCookie, UserAgent: r.UserAgent(),
//	}
//	assessment, err := detector.Assess(ctx, attempt) // reads only
//	…
//	if assessment.RequiresVerification {
//		// ask for a second factor
//	}
//	err = detector.Learn(ctx, attempt, anomaly.Proved) // once it was proved
//
// Package risk does all of this and decides as well; use it unless the findings
// alone are wanted.
//
// # How it weighs
//
// A set of known values says "new" too often and a sum of such flags cannot tell
// a user on a new phone from an attacker. So values stand in hierarchies (network
// prefix, ASN, country; user agent, browser family, operating system with class),
// each level is the prior of the one below, and the whole population is the prior
// of the user: a new address of the usual provider is hardly news, a rare country
// is. Every level gives a log-likelihood ratio, "how much likelier is this for
// anybody than for him", after Freeman et al. (NDSS 2016). A [Model] with weights
// that are never negative turns the ratios, the rate at which the user shows new
// devices, the hour on the circle in his time zone, distance and speed into
// log-odds. The ratios of network and agent count together as well: his own
// browser excuses a new network, and both new at once are worse than the two.
// Browsers update themselves forward only, so an older version than before is
// evidence and a newer one is none. docs/risk has the measured quality.
//
// # Travel
//
// Speed counts from 300 km on, after both accuracy radii are taken off. It says
// nothing through anonymizing networks, whose logins leave no place behind, and
// counts for a third in a network or at a place that the user has used before.
// Known devices outweigh it; beyond eight times an airliner's speed the Assessment
// is Unreachable as well, for which package risk asks at least the prompt.
//
// # What is stored
//
// One blob of at most 1 KB per user, hashes and decayed counts in bounded lists,
// and one sketch of the population. Hashes of addresses can be reversed by trying
// them all: a profile is personal data, and [Detector.Forget] deletes it. Counts
// lose half of their weight in 90 days; a device that was not seen for 183 days
// is unknown again.
package anomaly
