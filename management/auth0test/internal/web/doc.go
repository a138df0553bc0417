// Package web is what the two APIs have in common of HTTP: answers, where a
// request comes from, and the search for a route.
package web
