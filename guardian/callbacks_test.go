package guardian_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/resource"
)

// reader is a Directory of which only the authentication methods are asked for.
type reader struct {
	guardian.Directory
	read func(ctx context.Context) ([]resource.AuthenticationMethod, error)
}

func (r reader) AuthenticationMethods(ctx context.Context, _ string) ([]resource.AuthenticationMethod, error) {
	return r.read(ctx)
}

// A Directory that does not return fails those who wait for it, and no other.
func TestDirectoryThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(){
		"panic":  func() { panic("token of ada@example.com") },
		"error":  func() { panic(guardian.ErrNotEnrolled) },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				reads := 0
				s, err := guardian.New(reader{read: func(context.Context) ([]resource.AuthenticationMethod, error) {
					time.Sleep(time.Second)
					if reads++; reads == 1 {
						die()
					}
					return []resource.AuthenticationMethod{{ID: "otp|1", Type: "totp", Confirmed: true}}, nil
				}}, guardian.Config{})
				require.NoError(t, err)
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						_, err := s.Enrollments(t.Context(), "auth0|1")
						assert.ErrorContains(t, err, "guardian: list methods: the call ")
						assert.NotErrorIs(t, err, guardian.ErrNotEnrolled)
						assert.NotContains(t, err.Error(), "ada")
					})
				}
				wg.Wait()
				for range 8 { // The failure is forgotten, and the answer remembered.
					list, err := s.Enrollments(t.Context(), "auth0|1")
					require.NoError(t, err)
					require.Len(t, list, 1)
				}
				require.Equal(t, 2, reads)
			})
		})
	}
}

// A reader leaves when their request ends; the read ends with the last of them.
func TestReadersLeave(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		ended := make(chan struct{})
		s, err := guardian.New(reader{read: func(ctx context.Context) ([]resource.AuthenticationMethod, error) {
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		}}, guardian.Config{})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n+1)*time.Second)
				defer cancel()
				start := time.Now()
				_, err := s.Enrollments(ctx, "auth0|1")
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, time.Duration(n+1)*time.Second, time.Since(start))
			})
		}
		wg.Wait()
		<-ended
	})
}
