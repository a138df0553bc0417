// Otel wires every hook of auth0kit to OpenTelemetry, in telemetry.go, which can be
// copied as it is. The rest of this program makes something happen in each package,
// against a tenant in this process, and prints which spans and metrics came of it:
//
//	cd examples/otel && go run .
//
// It is a module of its own, so that OpenTelemetry is no requirement of auth0kit.
// Exporters are the two of the SDK's that keep everything in memory; a service has
// those of its collector in their place.
//
// Lines of log come beside it: give management.Config.Logger and
// tenancy.GuardConfig.Logger an slog.Logger.
package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "otel:", err)
		os.Exit(1)
	}
}

// observed is what was exported.
type observed struct {
	spans   tracetest.SpanStubs
	metrics metricdata.ResourceMetrics
}

func run(ctx context.Context, out io.Writer) error {
	o, err := observe(ctx)
	if err != nil {
		return err
	}
	count := make(map[string]int)
	for _, s := range o.spans {
		count[s.Name]++
	}
	fmt.Fprintln(out, "Spans:")
	for _, name := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(out, "  %3d %s\n", count[name], name)
	}
	fmt.Fprintln(out, "Metrics:")
	for _, s := range o.metrics.ScopeMetrics {
		for _, m := range s.Metrics {
			fmt.Fprintf(out, "      %s: %s\n", m.Name, m.Description)
		}
	}
	return nil
}

// observe makes something happen in each package.
func observe(ctx context.Context) (*observed, error) {
	spans := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	reader := sdkmetric.NewManualReader()
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	telemetry, err := New(tracers, meters)
	if err != nil {
		return nil, err
	}
	a, err := newApp(ctx, telemetry)
	if err != nil {
		return nil, err
	}
	defer a.close()
	for _, step := range []func(context.Context) error{a.call, a.refuse, a.login, a.factor, a.pipeline, a.migrate, a.delegate, a.settle} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	o := &observed{}
	if err := reader.Collect(ctx, &o.metrics); err != nil {
		return nil, err
	}
	o.spans = spans.GetSpans()
	return o, nil
}
