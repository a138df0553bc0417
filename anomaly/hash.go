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

// idHash is of a device id, 0 without one.
type idHash uint64

// bound is the device: the id in one browser family on one operating system. A
// cookie that turns up in another was copied.
func (h idHash) bound(browser uint32) uint64 {
	if h == 0 {
		return 0
	}
	return mix(uint64(h)^mix(uint64(browser)+1)) | 1
}

// old is the device in profiles of the first format.
func (h idHash) old() uint64 { return uint64(h) }

func (h idHash) key() uint32 { return uint32(h >> 32) }

func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
