// Package pages has the stylesheet of all HTML that this module shows, so that its
// users see one hand. It needs no script, font or image.
package pages

import _ "embed"

// CSS is the stylesheet, for a style element. It follows the system's light or dark
// scheme, and prints without what only a screen needs.
//
//go:embed pages.css
var CSS string
