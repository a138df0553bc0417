package guardian

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the margin in modules that ISO/IEC 18004 asks for.
const quiet = 4

// matrix is a QR code: dark(x, y) for 0 <= x, y < size.
type matrix struct {
	size int
	img  image.Image
}

func (k *TOTPKey) matrix() (matrix, error) {
	code, err := qr.Encode(k.url, qr.M, qr.Auto)
	if err != nil {
		return matrix{}, invalid("TOTPKey", "does not fit into a QR code") // err would have the URL
	}
	return matrix{code.Bounds().Dx(), code}, nil
}

func (m matrix) dark(x, y int) bool {
	r, _, _, _ := m.img.At(m.img.Bounds().Min.X+x, m.img.Bounds().Min.Y+y).RGBA()
	return r < 0x8000
}

// PNG returns the QR code as an image of at least size by size pixels, including
// the margin; each module has the same whole number of pixels. size is 1 to 4096.
func (k *TOTPKey) PNG(size int) ([]byte, error) {
	if size < 1 || size > 4096 {
		return nil, invalid("size", "must be 1 to 4096 pixels")
	}
	m, err := k.matrix()
	if err != nil {
		return nil, err
	}
	modules := m.size + 2*quiet
	scale := max(1, (size+modules-1)/modules)
	img := image.NewPaletted(image.Rect(0, 0, modules*scale, modules*scale), color.Palette{color.White, color.Black})
	for y := range modules * scale {
		for x := range modules * scale {
			if mx, my := x/scale-quiet, y/scale-quiet; mx >= 0 && my >= 0 && mx < m.size && my < m.size && m.dark(mx, my) {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, wrapped("encode PNG", err)
	}
	return b.Bytes(), nil
}

// SVG returns the QR code as an SVG element, sharp at every size. It has no
// script, no reference and no text, so it can be embedded in a page.
func (k *TOTPKey) SVG() (string, error) {
	m, err := k.matrix()
	if err != nil {
		return "", err
	}
	modules := m.size + 2*quiet
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, modules, modules, modules, modules)
	for y := range m.size {
		for x := 0; x < m.size; x++ {
			start := x
			for x < m.size && m.dark(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}
