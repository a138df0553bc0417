// Command auditverify verifies an archive of an audit log offline. It trusts the
// log's verifier key and the checkpoints that were kept, and nobody else:
//
//	auditverify -key example.com/audit+5f2c…+AS… archive.jsonl checkpoint.txt
//	auditverify -genkey example.com/audit
//
// With -genkey it makes a new signing key for a log, and the verifier key that
// auditors get. Without a checkpoint it reports what it has verified and fails,
// because the end of the log can have been cut off. A single proof of Log.Prove is
// verified by Proof.Verify.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/auth0kit/auth0kit/audit/auditlog"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("auditverify", flag.ContinueOnError)
	key := flags.String("key", os.Getenv("AUDIT_VERIFIER_KEY"), "the log's verifier key; defaults to AUDIT_VERIFIER_KEY")
	name := flags.String("genkey", "", "make keys for the log of this name")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *name != "" {
		private, public, err := auditlog.GenerateKey(*name)
		if err == nil {
			fmt.Fprintf(out, "AUDIT_KEY=%s\nAUDIT_VERIFIER_KEY=%s\n", private, public)
		}
		return err
	}
	if flags.NArg() == 0 || *key == "" {
		return errors.New("usage: auditverify -key VERIFIER-KEY ARCHIVE [CHECKPOINT...], or auditverify -genkey NAME")
	}
	return verify(out, flags.Arg(0), *key, flags.Args()[1:])
}

func verify(out io.Writer, archive, key string, checkpoints []string) error {
	var kept [][]byte
	for _, path := range checkpoints {
		signed, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		kept = append(kept, signed)
	}
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	v, err := auditlog.VerifyArchive(file, key, kept...)
	if v != nil {
		fmt.Fprintf(out, "%d events are in a log of %d\n", v.Events, v.Size)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the log extends your checkpoints, up to %d\n", v.ProvedTo)
	return nil
}
