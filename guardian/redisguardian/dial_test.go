package redisguardian_test

import (
	"context"
	"crypto/tls"
	"net"
)

func dialUnix(ctx context.Context, address string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	return d.DialContext(ctx, "unix", address)
}
