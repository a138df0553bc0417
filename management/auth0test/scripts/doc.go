// Package scripts runs the JavaScript of a tenant in process: Actions, and the
// scripts of custom databases. It is a package of its own so that only programs that
// import it get a JavaScript engine:
//
//	engine, err := scripts.New(scripts.Config{Hosts: []string{"127.0.0.1:8080"}})
//	…
//	tenant := auth0test.NewTenant(auth0test.Options{})
//	tenant.RunScripts(engine)
//
// Scripts see what they see at Auth0: a frozen event, api with api.cache, console,
// fetch, Buffer, URL, timers, and require of node:crypto, node:buffer, node:url and
// node:util. There is no npm. All of a run together has 20 seconds. Local time is
// UTC. An instance keeps what its module has in variables, and parallel runs have
// instances of their own; Config.FreshInstances and Config.LoseCache take both away,
// as Auth0 may at any time.
//
// The engine is goja, which is not Node. What it would get wrong without saying so
// throws "not supported by this tenant": Intl, toLocaleString and its kin,
// localeCompare with a locale, and \p{…} in regular expressions. What it lacks is an
// error by itself: async generators, for await, import, WeakRef, structuredClone,
// the flags d and v. The texts of engine errors and their stacks differ from Node's.
package scripts
