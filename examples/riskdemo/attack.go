package main

import "fmt"

// stubborn is how often an attacker repeats what was refused.
const stubborn = 200

// attack is what three attackers do with passwords that they found.
func attack() []login {
	return append(stuffing(), append(faraway(), targeted()...)...)
}

// stuffing tries a list of names and passwords from a rented server. One fits. Up
// to 24 names are counted exactly; more are estimated, a little differently at
// each run.
func stuffing() []login {
	names := []string{ada, ben, cleo, eli}
	for i := range 20 {
		names = append(names, fmt.Sprintf("name%02d", i))
	}
	tool := device{name: "tool", agent: linuxChrome}
	right := login{who: dan, from: rented, with: tool, attacker: true, at: feb(26, 2, 10), note: "the list has dan's password"}
	again := right
	again.at, again.tries, again.note = feb(26, 2, 11), stubborn, "tries to wear the engine down"
	return []login{{at: feb(26, 2, 5), from: rented, with: tool, attacker: true, wrong: names, note: "credential stuffing"}, right, again}
}

// targeted sits near ada, at her provider, with her user agent, at an hour of
// hers. What he lacks is the cookie of her laptop.
func targeted() []login {
	copied := device{name: "copied agent", agent: adaLaptop.agent}
	first := login{who: ada, from: nearAda, with: copied, attacker: true, at: feb(27, 19, 5), note: "near ada, with her user agent"}
	again := first
	again.at, again.tries, again.note = feb(27, 19, 6), stubborn, "tries to become usual"
	return []login{first, again}
}

// faraway got ben's password and user agent by phishing, and uses them when ben
// has just logged in at home.
func faraway() []login {
	copied := device{name: "copied agent", agent: benLaptop.agent}
	first := login{who: ben, from: otherWorld, with: copied, attacker: true, at: feb(26, 9, 6), note: "ben was in Hamburg 45 minutes ago"}
	again := first
	again.tries, again.note = stubborn, "the same minute, again and again"
	return []login{first, again}
}
