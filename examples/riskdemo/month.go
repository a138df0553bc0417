package main

import (
	"slices"
	"time"
)

// login is a line of the script: a right password, or wrong ones.
type login struct {
	at       time.Time
	who      string
	from     place
	with     device
	note     string   // what is special about it; empty for routine
	attacker bool     // not who he says: he cannot answer a challenge
	tries    int      // how often he does it within the minute; 0 is once
	wrong    []string // wrong passwords, for these accounts; who is unused
}

// script is the month and the attack in the order of time.
func script() []login {
	s := slices.Concat(commuter(), traveller(), nightWorker(), newPhone(), behindVPN(), attack())
	slices.SortStableFunc(s, func(a, b login) int { return a.at.Compare(b.at) })
	return s
}

const lastDay = 28

// feb is a time in February 2026, which begins on a Sunday. UTC.
func feb(day, hour, minute int) time.Time {
	return time.Date(2026, time.February, day, hour, minute, 0, 0, time.UTC)
}

// late is when people are not quite on time: 0 to 22 minutes.
func late(day int) int { return day * 7 % 23 }

func weekend(day int) bool {
	d := feb(day, 0, 0).Weekday()
	return d == time.Saturday || d == time.Sunday
}

func commuter() (s []login) {
	for day := 2; day <= lastDay; day++ {
		if weekend(day) {
			s = append(s, login{at: feb(day, 9, late(day)), who: ada, from: adaHome, with: adaLaptop})
			continue
		}
		s = append(s, login{at: feb(day, 6, late(day)), who: ada, from: adaTrain, with: adaPhone},
			login{at: feb(day, 7, 30+late(day)), who: ada, from: adaOffice, with: adaLaptop})
		if day%2 == 0 {
			s = append(s, login{at: feb(day, 19, late(day)), who: ada, from: adaHome, with: adaLaptop})
		}
	}
	s[0].note = "first login"
	s[1].note = "her laptop, seen for the first time"
	s[2].note = "from home for the first time"
	return s
}

func traveller() (s []login) {
	for day := 2; day <= lastDay; day++ {
		l := login{at: feb(day, 8, late(day)), who: ben, from: benHome, with: benLaptop}
		switch {
		case weekend(day):
			continue
		case day == 2:
			l.note = "first login"
		case day == 11:
			l.at = feb(day, 5, 10)
			arrived := login{at: feb(day, 12, 40), who: ben, from: benHotel, with: benLaptop, note: "flew to Lisbon in the meantime"}
			s = append(s, l, arrived)
			continue
		case day == 12:
			l.from = benHotel
		case day == 19:
			again := login{at: feb(day, 8, 50), who: ben, from: benProxy, with: benLaptop, note: "the company's proxy: impossible travel, with his own laptop"}
			s = append(s, l, again)
			continue
		}
		s = append(s, l)
	}
	return s
}

func nightWorker() (s []login) {
	for day := 2; day <= lastDay; day++ {
		if day%7 < 3 { // four nights on, three off
			continue
		}
		s = append(s, login{at: feb(day, 1, late(day)), who: cleo, from: cleoWard, with: cleoTablet},
			login{at: feb(day, 22, 30+late(day)), who: cleo, from: cleoWard, with: cleoTablet})
	}
	s[0].note = "first login"
	s[1].note = "beginning of a shift"
	return s
}

func newPhone() (s []login) {
	for day := 2; day <= lastDay; day++ {
		l := login{at: feb(day, 18, 30+late(day)), who: dan, from: danHome, with: danPhone}
		switch {
		case day == 2:
			l.note = "first login"
		case day == 18:
			l.note, l.from = "bought a phone of another make, still in the shop", danShop
		}
		if day >= 18 {
			l.with = danNewPhone
		}
		s = append(s, l)
	}
	return s
}

func behindVPN() (s []login) {
	for day := 2; day <= lastDay; day++ {
		l := login{at: feb(day, 20, late(day)), who: eli, from: eliHome, with: eliLaptop}
		switch {
		case day == 2:
			l.note = "first login"
		case day == 6:
			l.note = "turned the VPN on for the first time"
		}
		if day%3 == 0 && day >= 6 {
			l.from = eliVPN
		}
		s = append(s, l)
	}
	return s
}
