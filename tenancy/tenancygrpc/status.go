package tenancygrpc

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/auth0kit/auth0kit/tenancy"
)

const domain = "tenancy.auth0kit"

func toStatus(err error) error {
	if e, ok := errors.AsType[*tenancy.TokenError](err); ok {
		return status.Error(codes.Unauthenticated, "the access token is refused: "+e.Reason)
	}
	if e, ok := errors.AsType[*tenancy.StepUpError](err); ok {
		info := map[string]string{"acr_values": strings.Join(e.ACR, " ")}
		if e.MaxAge > 0 {
			info["max_age"] = strconv.Itoa(max(1, int(e.MaxAge/time.Second)))
		}
		return withDetails(status.New(codes.Unauthenticated, "a fresher or stronger authentication is needed"), &errdetails.ErrorInfo{
			Reason: "INSUFFICIENT_USER_AUTHENTICATION", Domain: domain, Metadata: info,
		})
	}
	if e, ok := errors.AsType[*tenancy.ForbiddenError](err); ok {
		return withDetails(status.New(codes.PermissionDenied, strings.TrimPrefix(e.Error(), "tenancy: ")), &errdetails.ErrorInfo{
			Reason: "INSUFFICIENT_SCOPE", Domain: domain, Metadata: map[string]string{"scope": strings.Join(e.Missing, " ")},
		})
	}
	switch {
	case errors.Is(err, tenancy.ErrUnavailable):
		wait := time.Second
		if e, ok := errors.AsType[*tenancy.UnavailableError](err); ok {
			wait = e.RetryAfter
		}
		return withDetails(status.New(codes.Unavailable, "try again later"), &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	case errors.Is(err, tenancy.ErrRequest):
		return status.Error(codes.InvalidArgument, "the call does not say which organization it is for")
	case errors.Is(err, tenancy.ErrInvalidToken):
		return status.Error(codes.Unauthenticated, "the access token is refused")
	case errors.Is(err, tenancy.ErrNoTenant):
		return status.Error(codes.PermissionDenied, "the token is for no organization")
	case errors.Is(err, tenancy.ErrForbidden):
		return status.Error(codes.PermissionDenied, "forbidden")
	case errors.Is(err, tenancy.ErrNotFound):
		return status.Error(codes.NotFound, "not found")
	}
	return status.Error(codes.Internal, "the call cannot be decided")
}

func withDetails[D protoadapt.MessageV1](s *status.Status, detail D) error {
	if detailed, err := s.WithDetails(detail); err == nil {
		return detailed.Err()
	}
	return s.Err() // a status without its detail still says the code
}
