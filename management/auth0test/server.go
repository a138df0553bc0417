package auth0test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

// Server is a tenant on a socket. Close it.
type Server struct {
	URL    string       // Without a slash at the end.
	Domain string       // Host and port, as SDKs want it.
	CAPEM  []byte       // The certificate to trust, as PEM; nil for plain HTTP.
	Client *http.Client // Trusts it.

	server *http.Server
}

// Close stops the server and cuts its connections.
func (s *Server) Close() {
	s.Client.CloseIdleConnections()
	s.server.Close()
}

// Start serves the tenant with TLS on a free port of 127.0.0.1, under a
// certificate for localhost and 127.0.0.1 of a new authority. It panics when
// there is no port to listen on; Listen returns that error.
func (t *Tenant) Start() *Server { return started(t.Listen("127.0.0.1:0")) }

// StartHTTP is Start without TLS.
func (t *Tenant) StartHTTP() *Server { return started(t.ListenHTTP("127.0.0.1:0")) }

func started(s *Server, err error) *Server {
	if err != nil {
		panic(err)
	}
	return s
}

// Listen serves the tenant with TLS on an address such as "127.0.0.1:8443".
func (t *Tenant) Listen(addr string) (*Server, error) {
	leaf, caPEM, err := certificates()
	if err != nil {
		return nil, fmt.Errorf("auth0test: make a certificate: %w", err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("auth0test: listen on %s: %w", addr, err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(caPEM)
	s := t.newServer(l, "https", pool)
	s.CAPEM = caPEM
	s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{leaf}, NextProtos: []string{"h2", "http/1.1"}}
	go s.server.ServeTLS(l, "", "")
	return s, nil
}

// ListenHTTP is Listen without TLS.
func (t *Tenant) ListenHTTP(addr string) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("auth0test: listen on %s: %w", addr, err)
	}
	s := t.newServer(l, "http", nil)
	go s.server.Serve(l)
	return s, nil
}

func (t *Tenant) newServer(l net.Listener, scheme string, pool *x509.CertPool) *Server {
	domain := l.Addr().String()
	issuer := scheme + "://" + domain + "/"
	t.s.Domain.Store(&issuer)
	return &Server{
		URL:    scheme + "://" + domain,
		Domain: domain,
		Client: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
		}},
		server: &http.Server{Handler: t, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)},
	}
}

// Issuer returns the tenant's issuer, with Auth0's slash at the end: that of the last
// started server, or of Options.Domain. What a request gets names the host that
// it used.
func (t *Tenant) Issuer() string { return t.s.Issuer() }

// certificates makes an authority and a certificate for this machine.
func certificates() (leaf tls.Certificate, caPEM []byte, err error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return leaf, nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "auth0test authority"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return leaf, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return leaf, nil, err
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, ca, &key.PublicKey, caKey)
	if err != nil {
		return leaf, nil, err
	}
	caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return tls.Certificate{Certificate: [][]byte{der, caDER}, PrivateKey: key}, caPEM, nil
}

// HandlerTransport returns a transport that answers every request by a handler
// in this process, whatever host it names. As Options.Outgoing it lets the
// tenant reach an application without sockets.
func HandlerTransport(h http.Handler) http.RoundTripper { return transport{h} }

// HTTPClient returns a client that reaches the tenant in process whatever host
// a URL names, without sockets, so that it works in a testing/synctest bubble.
// A cut connection is an error of the transport.
func (t *Tenant) HTTPClient() *http.Client { return &http.Client{Transport: transport{t}} }

type transport struct{ handler http.Handler }

// RoundTrip runs the handler in the caller's goroutine.
func (p transport) RoundTrip(r *http.Request) (res *http.Response, err error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p != http.ErrAbortHandler:
			panic(p)
		default:
			res, err = nil, errors.Join(r.Context().Err(), fmt.Errorf("auth0test: the connection was cut: %w", io.ErrUnexpectedEOF))
		}
	}()
	p.handler.ServeHTTP(w, serverRequest(r))
	res = w.Result()
	res.ContentLength, res.Request = int64(w.Body.Len()), r
	return res, nil
}

// serverRequest makes of a client's request what a server would see.
func serverRequest(r *http.Request) *http.Request {
	s := r.Clone(r.Context())
	if s.Host == "" {
		s.Host = r.URL.Host
	}
	s.RequestURI = r.URL.RequestURI()
	s.RemoteAddr = "127.0.0.1:50000"
	s.Proto, s.ProtoMajor, s.ProtoMinor = "HTTP/1.1", 1, 1
	if r.URL.Scheme == "https" {
		s.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: r.URL.Hostname()}
	}
	return s
}
