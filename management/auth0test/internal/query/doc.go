// Package query reads and applies the query language of search, a subset of
// Lucene, for whoever has values to search.
package query
