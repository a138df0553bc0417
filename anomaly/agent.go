package anomaly

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	useragent "github.com/medama-io/go-useragent"
)

// agent is the hierarchy of a user agent: operating system and class, browser
// family, the whole string. Zero keys are unknown levels.
type agent struct {
	device  uint32 // 1<<8 | system<<4 | class
	browser uint32 // device<<8 | family
	full    uint32 // hash of the string
	major   uint16 // major version of the browser, 0: unknown
	bot     bool
}

func (a agent) known() bool { return a.full != 0 }

// The names that the parser knows; a key is the position, so names are only ever
// appended.
var (
	systemNames = []string{"", "Android", "ChromeOS", "iOS", "Linux", "FreeBSD", "OpenBSD", "MacOS", "Windows"}
	classNames  = []string{"", "Desktop", "Mobile", "Tablet", "TV", "Bot"}
	familyNames = []string{
		"", "Android Browser", "Chrome", "Edge", "Firefox", "IE", "Opera", "Opera Mini", "Safari", "Vivaldi",
		"Amazon Silk", "Samsung Browser", "Falkon", "Nintendo Browser", "Yandex Browser", "Huawei Browser",
	}
)

// automation marks what the parser takes for a browser: tools and crawlers that
// say what they are.
var automation = []string{
	"bot", "crawl", "spider", "headless", "curl/", "wget/", "python", "java/", "go-http", "okhttp", "libwww",
	"phantom", "selenium", "puppeteer", "playwright", "axios", "node-fetch", "postman",
}

func parseAgent(parser *useragent.Parser, ua string) agent {
	if ua == "" {
		return agent{}
	}
	ua = ua[:min(len(ua), maxAgent)]
	parsed := parser.Parse(ua)
	major, err := strconv.ParseUint(parsed.BrowserVersionMajor(), 10, 16)
	if err != nil {
		major = 0
	}
	a := agent{full: uint32(hashString(ua, maxAgent)) | 1, major: uint16(major)}
	a.bot = parsed.IsBot() || isAutomation(ua)
	a.device = 1<<8 | position(systemNames, string(parsed.OS()))<<4 | position(classNames, string(parsed.Device()))
	a.browser = a.device<<8 | position(familyNames, string(parsed.Browser()))
	return a
}

func position(names []string, name string) uint32 { return uint32(max(0, slices.Index(names, name))) }

func isAutomation(ua string) bool {
	lower := strings.ToLower(ua)
	return slices.ContainsFunc(automation, func(mark string) bool { return strings.Contains(lower, mark) })
}

// appendAgent writes "Chrome/Windows" for a browser key.
func appendAgent(dst []byte, browser uint32) []byte {
	family, system := browser&0xff, browser>>12&0xf
	if int(family) < len(familyNames) {
		dst = append(dst, familyNames[family]...)
	}
	if int(system) < len(systemNames) && systemNames[system] != "" {
		dst = append(append(dst, '/'), systemNames[system]...)
	}
	return dst
}

// agentCache keeps what was parsed lately, without locks and without allocation:
// parsing takes a microsecond, which is the budget of a whole assessment. A slot
// holds two words and their exclusive or with the key, so that a slot which two
// goroutines wrote at once matches no key.
type agentCache struct {
	parser *useragent.Parser
	seed   maphash.Seed
	slots  [1024][3]atomic.Uint64
}

func newAgentCache() *agentCache {
	return &agentCache{parser: useragent.NewParser(), seed: maphash.MakeSeed()}
}

// get fills a.
func (c *agentCache) get(ua string, a *agent) {
	if ua == "" {
		*a = agent{}
		return
	}
	ua = ua[:min(len(ua), maxAgent)]
	key := maphash.String(c.seed, ua)
	slot := &c.slots[key%uint64(len(c.slots))]
	w0, w1 := slot[0].Load(), slot[1].Load()
	if w0 != 0 && slot[2].Load()^w0^w1 == key {
		a.unpack(w0, w1)
		return
	}
	*a = parseAgent(c.parser, ua)
	w0, w1 = a.pack()
	slot[0].Store(w0)
	slot[1].Store(w1)
	slot[2].Store(w0 ^ w1 ^ key)
}

func (a *agent) pack() (w0, w1 uint64) {
	w0 = uint64(a.full)<<32 | uint64(a.browser)
	w1 = uint64(a.device)<<32 | uint64(a.major)<<8
	if a.bot {
		w1 |= 1
	}
	return w0, w1
}

func (a *agent) unpack(w0, w1 uint64) {
	a.device, a.browser, a.full = uint32(w1>>32), uint32(w0), uint32(w0>>32)
	a.major, a.bot = uint16(w1>>8), w1&1 != 0
}
