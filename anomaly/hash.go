package anomaly

// Hashes are stored in profiles and compared across processes and releases, so
// they are fixed: FNV-1a with the finalizer of MurmurHash3, which gives the low
// bits of short keys the quality that FNV lacks. They are not keyed and hide
// nothing: what is stored is sealed.

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hashString(s string, limit int) uint64 {
	h := uint64(fnvOffset)
	for i := range min(len(s), limit) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return mix(h ^ uint64(len(s)))
}

func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
