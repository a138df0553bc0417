// Package faultnet breaks the network between a test and a service: a TCP proxy
// whose connections a test cuts, lets lose answers, or holds.
package faultnet

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Proxy forwards to one address. It is safe for concurrent use.
type Proxy struct {
	target   string
	listener net.Listener
	serving  sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	down   bool
	losses float64
	held   chan struct{} // closed when nothing is held
}

// New starts a proxy in front of target. It ends with the test.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: target, listener: listener, conns: make(map[net.Conn]bool), held: make(chan struct{})}
	close(p.held)
	p.serving.Go(p.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		p.Release()
		p.Down(true)
		p.serving.Wait()
	})
	return p
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Down cuts all connections and refuses new ones until it is called with false.
func (p *Proxy) Down(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	if down {
		p.cutAll()
	}
}

// Cut cuts all connections once.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAll()
}

func (p *Proxy) cutAll() {
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// Lose cuts a connection instead of forwarding an answer, with that probability:
// the service has done what it was asked, and nobody hears of it.
func (p *Proxy) Lose(probability float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.losses = probability
}

// Hold forwards no more answers until Release, and keeps connections open.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = make(chan struct{})
}

// Release ends Hold.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.held:
	default:
		close(p.held)
	}
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.forward(client) })
	}
}

func (p *Proxy) forward(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.add(client, server) {
		return
	}
	defer p.remove(client, server)
	var done sync.WaitGroup
	done.Go(func() {
		_, _ = io.Copy(server, client) // ends with either connection
		_ = server.Close()
	})
	p.answers(client, server)
	_ = client.Close()
	done.Wait()
}

// answers forwards what the service says, as the test wants it.
func (p *Proxy) answers(client, server net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		lose, held := rand.Float64() < p.losses, p.held
		p.mu.Unlock()
		<-held
		if lose {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return false
	}
	for _, conn := range conns {
		p.conns[conn] = true
	}
	return true
}

func (p *Proxy) remove(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}
