package auth0test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
)

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
	w := &memoryWriter{header: make(http.Header)}
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
	return w.response(r), nil
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

// memoryWriter keeps an answer.
type memoryWriter struct {
	header http.Header
	sent   http.Header
	status int
	body   bytes.Buffer
}

func (w *memoryWriter) Header() http.Header { return w.header }

func (w *memoryWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *memoryWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// Flush is there for handlers that stream.
func (w *memoryWriter) Flush() { w.WriteHeader(http.StatusOK) }

func (w *memoryWriter) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}
}
