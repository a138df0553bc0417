// Package pages writes the HTML of the login pages.
package pages
