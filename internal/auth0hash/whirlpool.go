package auth0hash

import (
	"encoding/binary"
	"hash"
)

// whirlpool is the hash of ISO/IEC 10118-3:2004, which Auth0 takes as the digest
// of HMAC and PBKDF2 and no module of ours has. It is written for size: a table
// of one column, rotated, and a length of 64 bits.
type whirlpool struct {
	state  [8]uint64
	buffer [64]byte
	used   int
	length uint64
}

func newWhirlpool() hash.Hash { return new(whirlpool) }

func (w *whirlpool) Size() int      { return 64 }
func (w *whirlpool) BlockSize() int { return 64 }
func (w *whirlpool) Reset()         { *w = whirlpool{} }

func (w *whirlpool) Write(p []byte) (int, error) {
	n := len(p)
	w.length += uint64(n)
	for len(p) > 0 {
		c := copy(w.buffer[w.used:], p)
		w.used += c
		p = p[c:]
		if w.used == len(w.buffer) {
			w.compress()
			w.used = 0
		}
	}
	return n, nil
}

func (w *whirlpool) Sum(in []byte) []byte {
	end := *w // The caller may go on writing.
	bits := end.length * 8
	padding := make([]byte, 1, 128)
	padding[0] = 0x80
	for (end.used+len(padding))%64 != 32 {
		padding = append(padding, 0)
	}
	padding = append(padding, make([]byte, 24)...) // The length has 256 bits.
	padding = binary.BigEndian.AppendUint64(padding, bits)
	_, _ = end.Write(padding)
	for _, row := range end.state {
		in = binary.BigEndian.AppendUint64(in, row)
	}
	return in
}

// compress is the Miyaguchi-Preneel step over the cipher W.
func (w *whirlpool) compress() {
	var block, state [8]uint64
	key := w.state
	for i := range block {
		block[i] = binary.BigEndian.Uint64(w.buffer[8*i:])
		state[i] = block[i] ^ key[i]
	}
	for r := range roundConstants {
		key = substituteAndMix(key)
		key[0] ^= roundConstants[r]
		state = substituteAndMix(state)
		for i := range state {
			state[i] ^= key[i]
		}
	}
	for i := range block {
		w.state[i] ^= state[i] ^ block[i]
	}
}

// substituteAndMix is SubBytes, ShiftColumns and MixRows.
func substituteAndMix(in [8]uint64) (out [8]uint64) {
	for row := range out {
		for column := range 8 {
			b := byte(in[(row-column+8)%8] >> (56 - 8*column))
			out[row] ^= rotateRight(column0[b], 8*column)
		}
	}
	return out
}

func rotateRight(v uint64, n int) uint64 { return v>>n | v<<(64-n) }

var (
	column0        = whirlpoolTable()
	roundConstants = whirlpoolConstants()
)

// whirlpoolTable is the S-box, built from its three small boxes, times the first
// row of the diffusion matrix cir(1, 1, 4, 1, 8, 5, 2, 9).
func whirlpoolTable() (table [256]uint64) {
	for x := range table {
		s := uint64(whirlpoolSBox(byte(x)))
		for _, factor := range [8]uint64{1, 1, 4, 1, 8, 5, 2, 9} {
			table[x] = table[x]<<8 | multiply(s, factor)
		}
	}
	return table
}

func whirlpoolConstants() (constants [10]uint64) {
	for r := range constants {
		for i := range 8 {
			constants[r] = constants[r]<<8 | uint64(whirlpoolSBox(byte(8*r+i)))
		}
	}
	return constants
}

func whirlpoolSBox(x byte) byte {
	e := [16]byte{0x1, 0xb, 0x9, 0xc, 0xd, 0x6, 0xf, 0x3, 0xe, 0x8, 0x7, 0x4, 0xa, 0x2, 0x5, 0x0}
	mix := [16]byte{0x7, 0xc, 0xb, 0xd, 0xe, 0x4, 0x9, 0xf, 0x6, 0x3, 0x8, 0xa, 0x2, 0x5, 0x1, 0x0}
	var inverse [16]byte
	for i, v := range e {
		inverse[v] = byte(i)
	}
	high, low := e[x>>4], inverse[x&15]
	m := mix[high^low]
	return e[high^m]<<4 | inverse[low^m]
}

// multiply is the product in GF(2^8) modulo x^8+x^4+x^3+x^2+1.
func multiply(a, b uint64) (product uint64) {
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			product ^= a
		}
		a <<= 1
		if a > 0xff {
			a ^= 0x11d
		}
	}
	return product
}
