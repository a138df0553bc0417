package passhash

import "strings"

var desFormats = []format{{name: "des-crypt", prefixes: []string{"{crypt}"}, parse: parseDESCrypt}}

// parseDESCrypt reads the crypt(3) of Unix before 1994: two characters of salt and
// eleven more, which nothing but a label or a Scheme tells from other texts.
func parseDESCrypt(s Stored, _ limits) (parsed, error) {
	value, _ := cutPrefixFold(s.Value, "{crypt}")
	if len(value) != 13 || strings.Trim(value, crypt64Alphabet) != "" {
		return parsed{}, malformed("must be 13 characters of crypt(3)")
	}
	return lazyDigest(value[2:], "DES crypt", func(password string) string { return desCrypt(password, value[:2]) }), nil
}

// desCrypt encrypts zeros 25 times with a DES whose expansion the salt changes; the
// key is seven bits of each of the first eight bytes of the password. The standard
// library's DES cannot be changed so. Numbers of bits are those of FIPS 46-3, from 1.
func desCrypt(password, salt string) string {
	var key [64]byte
	for i := range min(len(password), 8) {
		for bit := range 7 {
			key[8*i+bit] = password[i] >> (6 - bit) & 1
		}
	}
	keys := desKeys(&key)
	expansion := []byte(desE)
	for i := range 2 {
		for bit := range 6 {
			if a := 6*i + bit; crypt64(salt[i:i+1])>>bit&1 == 1 {
				expansion[a], expansion[a+24] = expansion[a+24], expansion[a]
			}
		}
	}
	// The permutations at the ends of each run but the first and the last cancel out,
	// and the first permutes zeros.
	var l, r [32]byte
	for range 25 {
		for _, k := range keys {
			l, r = r, desRound(&l, &r, &k, expansion)
		}
		l, r = r, l
	}
	return desText(append(l[:], r[:]...))
}

func desKeys(key *[64]byte) (keys [16][48]byte) {
	var cd [56]byte
	for i := range cd {
		cd[i] = key[desPC1[i]-1]
	}
	for n, shift := range "\x01\x01\x02\x02\x02\x02\x02\x02\x01\x02\x02\x02\x02\x02\x02\x01" {
		var turned [56]byte
		for i := range 28 {
			turned[i], turned[28+i] = cd[(i+int(shift))%28], cd[28+(i+int(shift))%28]
		}
		cd = turned
		for i := range 48 {
			keys[n][i] = cd[desPC2[i]-1]
		}
	}
	return keys
}

func desRound(l, r *[32]byte, k *[48]byte, expansion []byte) (out [32]byte) {
	var sum [32]byte
	for box := range 8 {
		var in [6]byte
		for i := range in {
			in[i] = r[expansion[6*box+i]-1] ^ k[6*box+i]
		}
		row, column := in[0]<<1|in[5], in[1]<<3|in[2]<<2|in[3]<<1|in[4]
		v := strings.IndexByte("0123456789abcdef", desS[box][16*row+column])
		for i := range 4 {
			sum[4*box+i] = byte(v >> (3 - i) & 1)
		}
	}
	for i := range out {
		out[i] = l[i] ^ sum[desP[i]-1]
	}
	return out
}

// desText applies the final permutation to the halves and writes six bits a
// character.
func desText(halves []byte) string {
	var bits [66]byte
	for i := range 64 { // bit i of FIPS 46-3's table IP-1
		row, column := i/8, i%8
		bits[i] = halves[[8]int{39, 7, 47, 15, 55, 23, 63, 31}[column]-row]
	}
	text := make([]byte, 11)
	for i := range text {
		n := 0
		for _, bit := range bits[6*i : 6*i+6] {
			n = n<<1 | int(bit)
		}
		text[i] = crypt64Alphabet[n]
	}
	return string(text)
}

// The tables of FIPS 46-3, https://csrc.nist.gov/pubs/fips/46-3/final.
const desE = "\x20\x01\x02\x03\x04\x05\x04\x05\x06\x07\x08\x09\x08\x09\x0a\x0b\x0c\x0d\x0c\x0d\x0e\x0f\x10\x11" +
	"\x10\x11\x12\x13\x14\x15\x14\x15\x16\x17\x18\x19\x18\x19\x1a\x1b\x1c\x1d\x1c\x1d\x1e\x1f\x20\x01"

var (
	desPC1 = [56]byte{
		57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
		63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
	}
	desPC2 = [48]byte{
		14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
		41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
	}
	desP = [32]byte{
		16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
	}
	desS = [8]string{ // four rows each
		"e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
		"f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
		"a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
		"7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
		"2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
		"c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
		"4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
		"d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
	}
)
