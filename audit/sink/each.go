package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/encode"
)

// Each returns a Deliver that publishes events one by one, for message systems. The id
// is that of the event, for systems that drop what they have already:
//
//	deliver, err := sink.Each(auditlog.JSON, func(ctx context.Context, id string, data []byte) error {
//		_, err := topic.Publish(ctx, id, data)
//		return err
//	})
//
// For NATS JetStream there is the module audit/natsaudit.
//
// An error of publish ends the delivery, which is repeated as a whole. A checkpoint is
// published as {"checkpoint": "…"}.
func Each(f auditlog.Format, publish func(ctx context.Context, id string, data []byte) error) (auditlog.Deliver, error) {
	if publish == nil {
		return nil, errors.New("sink: publish is nil")
	}
	if err := encode.Check(f); err != nil {
		return nil, err
	}
	return func(ctx context.Context, d auditlog.Delivery) error {
		for _, e := range d.Entries {
			text, err := encode.Event(f, e)
			if err != nil {
				return err
			}
			if err := publish(ctx, e.ID, text); err != nil {
				return fmt.Errorf("sink: publishing: %w", err)
			}
		}
		if len(d.Checkpoint) == 0 {
			return nil
		}
		text, err := json.Marshal(map[string]string{"checkpoint": string(d.Checkpoint)})
		if err != nil {
			return fmt.Errorf("sink: encoding a checkpoint: %w", err)
		}
		if err := publish(ctx, d.Key, text); err != nil {
			return fmt.Errorf("sink: publishing: %w", err)
		}
		return nil
	}, nil
}
