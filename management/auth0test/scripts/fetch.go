package scripts

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/dop251/goja"
	"github.com/dop251/goja_nodejs/buffer"
)

// request is what host.js asks for.
type request struct {
	URL      string      `json:"url"`
	Method   string      `json:"method"`
	Redirect string      `json:"redirect"`
	Headers  [][2]string `json:"headers"`
}

type redirectKey struct{}

var errRedirect = errors.New("unexpected redirect")

// redirect decides about redirects as the request says, and about their hosts.
func (e *Engine) redirect(r *http.Request, via []*http.Request) error {
	switch mode, _ := r.Context().Value(redirectKey{}).(string); {
	case mode == "manual":
		return http.ErrUseLastResponse
	case mode == "error":
		return errRedirect
	case len(via) >= 20:
		return errors.New("redirect count exceeded")
	}
	return e.allowed(r)
}

func (e *Engine) allowed(r *http.Request) error {
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" || !slices.Contains(e.cfg.Hosts, r.URL.Host) {
		return errors.New("the host is not in Config.Hosts: " + r.URL.Host)
	}
	return nil
}

// fetch starts a request and returns a function that ends it. failed makes the error
// of a message.
func (i *instance) fetch(want request, body goja.Value, resolve, reject, failed goja.Callable) (func(), error) {
	ctx, cancel := context.WithCancel(context.WithValue(i.ctx, redirectKey{}, want.Redirect))
	r, err := http.NewRequestWithContext(ctx, want.Method, want.URL, bytes.NewReader(buffer.Bytes(i.vm, body)))
	if err == nil {
		err = i.engine.allowed(r)
	}
	if err != nil {
		cancel()
		_, bad := reject(goja.Undefined(), i.vm.ToValue(err.Error()))
		return func() {}, bad
	}
	for _, h := range want.Headers {
		r.Header.Set(h[0], h[1])
	}
	deliver := i.later()
	go func() {
		answer, err := i.engine.client.Do(r)
		deliver(func() {
			if err != nil {
				_, _ = reject(goja.Undefined(), i.vm.ToValue(err.Error()))
				return
			}
			_, _ = resolve(goja.Undefined(), i.response(answer, cancel, failed))
		})
		if err != nil {
			cancel()
		}
	}()
	return func() { cancel() }, nil
}

// response is what host.js makes a Response of.
func (i *instance) response(r *http.Response, cancel func(), failed goja.Callable) goja.Value {
	headers := [][]string{}
	for name, values := range r.Header {
		for _, v := range values {
			headers = append(headers, []string{name, v})
		}
	}
	return i.vm.ToValue(map[string]any{
		"status": r.StatusCode, "statusText": http.StatusText(r.StatusCode), "url": r.Request.URL.String(), "redirected": false,
		"headers": headers, "empty": r.StatusCode == http.StatusNoContent,
		"cancel": func() {
			cancel()
			go r.Body.Close() // It may wait for the connection.
		},
		"read": func(resolve, reject goja.Callable) {
			deliver := i.later()
			go func() {
				part := make([]byte, 16<<10)
				n, err := r.Body.Read(part)
				for n == 0 && err == nil {
					n, err = r.Body.Read(part)
				}
				deliver(func() {
					switch {
					case n > 0:
						_, _ = resolve(goja.Undefined(), i.vm.ToValue(i.vm.NewArrayBuffer(part[:n])))
					case errors.Is(err, io.EOF):
						_, _ = resolve(goja.Undefined(), goja.Null())
					default:
						v, _ := failed(goja.Undefined(), i.vm.ToValue("terminated"))
						_, _ = reject(goja.Undefined(), v)
					}
				})
			}()
		},
	})
}
