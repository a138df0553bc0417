// Package sink delivers events of an audit log: to signed webhooks, to syslog over TLS,
// into files, and to message systems.
//
//	file, err := sink.File("/var/log/audit.jsonl", 100<<20)
//	…
//	events, err := auditlog.New(store, seal, auditlog.Config{
//		Sinks: []auditlog.Sink{{Name: "file", Policy: auditlog.Durable, Deliver: file}},
//		Kinds: map[string]auditlog.Kind{"webhook": sink.Webhook, "syslog": sink.Syslog}, // for customers' streams
//	})
//
// [Webhook] and [Syslog] are for addresses that customers give: they connect only to
// public addresses, whatever a name resolves to at the time, follow no redirect and use
// no proxy. For addresses of your own network there are [PrivateWebhook] and
// [PrivateSyslog]; never offer them to customers.
//
// Errors have a class, such as "tls" or "status 503", and no text of the receiver.
package sink
