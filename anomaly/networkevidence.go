package anomaly

// network returns the ratio of the whole hierarchy.
func (o *observation) network(e *Evidence) float64 {
	if o.new.fresh[freshMissing] {
		e[evMissing] = o.surprise(freshMissing)
	}
	if o.net.anonymous && !o.has(asns) && !o.has(prefixes) {
		e[evAnonymous] = 1
	}
	known := o.p.sum(countries) * o.scale
	if o.net.country == 0 || known == 0 && !o.p.empty(prefixes) {
		return o.prefixOnly(e) // the country says nothing, now or in all of the history
	}
	total := o.pop.total(totalNetworks)
	inCountry := o.pop.count(countryTable, o.net.country)
	inASN := o.pop.count(asnTable, pairKey(o.net.country, o.net.asn))
	inPrefix := o.pop.count(prefixTable, pairKey(o.net.asn, o.net.prefix))
	pCountry := (inCountry + 0.1) / (total + 25)
	pASN := (min(inASN, inCountry) + 0.1) / (inCountry + 5)
	pPrefix := (min(inPrefix, inASN) + 0.02) / (inASN + 5)

	cCountry, cASN, cPrefix := o.own(countries), o.own(asns), o.own(prefixes)
	o.knownPrefix(e, cPrefix)
	before := o.whole
	if known < o.logins/2 { // most of the history has no country: compare with the rest
		before = pastOf(known)
		cASN, cPrefix = min(cASN, known), min(cPrefix, known)
	}
	if !o.tellsASN() { // the level says nothing
		pASN, cASN = 1, cCountry
	}
	if o.net.prefix == 0 {
		pPrefix, cPrefix = 1, cASN
	}
	country := before.below(level{1, 0}, pCountry, cCountry)
	asn := before.below(country, pASN, cASN)
	prefix := before.below(asn, pPrefix, cPrefix)
	whole := clamp(prefix.ratio)
	split(e, evCountryNew, evCountryOwn, clamp(country.ratio))
	split(e, evASNNew, evASNOwn, clamp(asn.ratio))
	split(e, evPrefixNew, evPrefixOwn, whole)

	o.unknownNetwork(e, pCountry, pASN)
	o.unknownPrefix(e, pPrefix)
	return whole
}

// tellsASN reports whether the provider is known, now and in a history that has
// countries.
func (o *observation) tellsASN() bool {
	return o.net.asn != 0 && (!o.p.empty(asns) || o.p.empty(countries))
}

// unknownNetwork says how rare an unknown country and an unknown ASN within its
// country are.
func (o *observation) unknownNetwork(e *Evidence, country, asn float64) {
	if !o.has(countries) {
		e[evCountryRare] = rarity(country)
	}
	if o.has(asns) || !o.tellsASN() {
		return
	}
	e[evASNRare] = rarity(asn)
	if o.new.later {
		e[evASNFresh] = o.surprise(freshASN)
	}
}

// unknownPrefix: the exit of a carrier, which many share, is less of a surprise.
func (o *observation) unknownPrefix(e *Evidence, population float64) {
	if o.new.fresh[freshPrefix] {
		e[evPrefixFresh] = o.surprise(freshPrefix)
		e[evPrefixRare] = rarity(population)
	}
}

// knownPrefix: where many come from, it may be any of them.
func (o *observation) knownPrefix(e *Evidence, count float64) {
	if count == 0 {
		return
	}
	e[evPrefixKnown] = -count / (1 + count)
	if users := o.pop.count(sharersTable, o.net.prefix); users > 1 {
		e[evPrefixShared] = ln(users)
	}
}

// prefixOnly is for a service without a GeoResolver: the prefix alone.
func (o *observation) prefixOnly(e *Evidence) float64 {
	if o.net.prefix == 0 {
		return 0
	}
	const rare = 1e-3
	count := o.own(prefixes)
	o.knownPrefix(e, count)
	whole := clamp(o.whole.below(level{1, 0}, rare, count).ratio)
	split(e, evPrefixNew, evPrefixOwn, whole)
	o.unknownPrefix(e, rare)
	return whole
}

func (o *observation) distance(e *Evidence) {
	if !o.located {
		return
	}
	o.away = apart(&o.known, &o.place)
	if o.away > 0 {
		e[evDistance] = ln(1 + o.away/nearby)
	}
}

// travel is suppressed where the address says little about where the user is: in
// an anonymizing network; and discounted in a network or at a place that he has
// used before, which covers the company's VPN and the carrier's exits.
func (o *observation) travel(e *Evidence) {
	if !o.located {
		return
	}
	if o.last == o.known && o.away == 0 {
		return // Most logins are where the last one was.
	}
	e[evTravel] = newTrip(&o.last, &o.place).impossible()
	here := o.away == 0 && o.known.count >= 2*unit
	if e[evTravel] > 0 && (here || o.has(asns)) {
		e[evTravel] *= 0.3
	}
}
