package tenancygrpc

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Stream implements grpc.StreamServerInterceptor. It decides when the stream begins
// and again after each Config.Recheck: a token that has expired, a member who was
// removed or a revocation ends it.
func (g *Guard) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	a := g.access(info.FullMethod)
	if a.open {
		return handler(srv, stream)
	}
	ctx, err := g.admit(stream.Context(), info.FullMethod, a, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &serverStream{ServerStream: stream, ctx: ctx}
	go func() {
		// A requirement that panics, or ends its goroutine, ends the stream alone.
		err := status.Error(codes.Internal, "whether the caller may go on is not known")
		defer func() {
			_ = recover()
			if err != nil {
				s.refused.Store(&err)
				cancel()
			}
		}()
		err = g.watch(ctx, stream.Context(), info.FullMethod, a)
	}()
	err = handler(srv, s)
	if refused := s.refused.Load(); refused != nil {
		return *refused
	}
	return err
}

// watch returns why the caller may no longer call, or nil when ctx ends.
func (g *Guard) watch(ctx, incoming context.Context, method string, a Access) error {
	ticker := time.NewTicker(g.recheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			_, err := g.admit(incoming, method, a, nil)
			if err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

type serverStream struct {
	grpc.ServerStream
	ctx     context.Context
	refused atomic.Pointer[error]
}

func (s *serverStream) Context() context.Context { return s.ctx }

func (s *serverStream) SendMsg(m any) error {
	if refused := s.refused.Load(); refused != nil {
		return *refused
	}
	return s.ServerStream.SendMsg(m)
}

// RecvMsg waits apart from the caller: gRPC itself goes on waiting for a client that
// sends nothing, whatever was decided about it.
func (s *serverStream) RecvMsg(m any) error {
	if s.ctx.Err() == nil {
		received := make(chan error, 1)
		go func() {
			err := status.Error(codes.Internal, "the message cannot be read") // a codec that panics
			defer func() {
				_ = recover()
				received <- err
			}()
			err = s.ServerStream.RecvMsg(m)
		}()
		select {
		case err := <-received:
			if s.ctx.Err() == nil {
				return err
			}
		case <-s.ctx.Done():
		}
	}
	if refused := s.refused.Load(); refused != nil {
		return *refused
	}
	return status.FromContextError(s.ctx.Err()).Err()
}
