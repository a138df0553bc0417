package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/migration"
)

// options are the flags.
type options struct {
	verb, source, mapping, ledger, report, after string
	json, watch, yes                             bool
	run                                          migration.Run
	config                                       migration.Config
	args                                         []string
}

var verbs = []string{"plan", "prove", "run", "retry", "sync", "verify", "rollback"}

func parse(args []string, env func(string) string, help io.Writer) (o options, err error) {
	if len(args) == 0 || !slices.Contains(verbs, args[0]) {
		return o, fmt.Errorf("the first word must be one of %s; migrate plan -h lists the flags", strings.Join(verbs, ", "))
	}
	o.verb, o.args = args[0], args
	fs := flag.NewFlagSet("migrate "+o.verb, flag.ContinueOnError)
	fs.SetOutput(help)
	var known, reset, unproved string
	f := &o.run.Fields
	fs.StringVar(&o.source, "source", "", `where the users are: "django=postgres://…", "users.csv", "auth0=export.ndjson"`)
	fs.StringVar(&o.mapping, "map", "", `fields of a file: "key=id,email=mail,password=hash,app_metadata.plan=plan"`)
	fs.StringVar(&o.run.Source, "system", "", `a name for the legacy system, such as "shop-production"`)
	fs.StringVar(&o.run.Connection, "connection", "", "the database connection")
	fs.StringVar(&o.run.Name, "name", "", "the name of the migration; the connection's by default")
	fs.StringVar(&o.run.KeyPrefix, "key-prefix", "", `before each key in user ids, such as "shop|"`)
	fs.StringVar((*string)(&f.Phone), "phone", "", "phone numbers that Auth0 refuses: drop or normalize")
	fs.StringVar((*string)(&f.Username), "username", "", "usernames that Auth0 refuses: drop or normalize")
	fs.StringVar((*string)(&f.Name), "names", "", "names that Auth0 refuses: drop or normalize")
	fs.StringVar((*string)(&f.Metadata), "metadata", "", "metadata that Auth0 refuses: drop or normalize")
	fs.StringVar(&f.CallingCode, "calling-code", "", `of phone numbers without one, such as "+49"`)
	fs.StringVar(&known, "known", "", "JSON file of accounts whose password you know: [{\"Identifier\":\"…\",\"Password\":\"…\"}]")
	fs.StringVar(&unproved, "allow-unproved", "", `formats that need no proof, with commas; "*" is all`)
	fs.StringVar(&reset, "reset", "", "who comes without a password: missing or unusable")
	fs.BoolVar(&o.config.CreateMissing, "create-missing", false, "create organizations and roles that the tenant lacks")
	fs.BoolVar(&o.config.BlockDeleted, "block-deleted", false, "sync blocks who is gone from the source")
	fs.BoolVar(&o.config.AllowSharedKeys, "allow-shared-keys", false, "keys are unique in the whole tenant, such as UUIDs")
	fs.StringVar(&o.ledger, "ledger", "migration.db", "SQLite file that remembers what was done")
	fs.StringVar(&o.report, "report", "", "directory for a page and a list for each verb: plan.html, plan.csv")
	fs.BoolVar(&o.json, "json", false, "print JSON, and no progress")
	fs.BoolVar(&o.watch, "watch-fp", false, "then follow failed logins of migrated users")
	fs.StringVar(&o.after, "watch-after", "", "id of the log entry after which -watch-fp begins")
	fs.BoolVar(&o.yes, "yes", false, "rollback deletes")
	if err := fs.Parse(args[1:]); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("what is %q? Flags begin with a dash", fs.Arg(0))
	}
	if unproved != "" {
		o.config.AllowUnproved = strings.Split(unproved, ",")
	}
	if o.config.Reset, err = resetOf(reset); err != nil {
		return o, err
	}
	if o.config.Known, err = readKnown(known); err != nil {
		return o, err
	}
	if secret := env("MIGRATION_SECRET"); secret != "" {
		if o.run.Secret, err = base64.StdEncoding.DecodeString(secret); err != nil {
			return o, errors.New("MIGRATION_SECRET must be base64 of 32 bytes")
		}
	}
	o.config.MaxProblems = 100_000
	_, err = o.run.Check()
	return o, err
}

func resetOf(name string) (migration.Reset, error) {
	switch name {
	case "":
		return migration.ResetNone, nil
	case "missing":
		return migration.ResetMissing, nil
	case "unusable":
		return migration.ResetUnusable, nil
	}
	return 0, errors.New("-reset must be missing or unusable")
}

func readKnown(path string) ([]migration.Credentials, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("-known: %w", err)
	}
	var known []migration.Credentials
	if err := json.Unmarshal(text, &known); err != nil {
		return nil, errors.New(`-known must be a JSON list of {"Identifier": …, "Password": …}`)
	}
	return known, nil
}

// line is the command that goes on, without what may be secret.
func (o options) line() string {
	line := slices.Clone(o.args)
	for i, arg := range line {
		if scheme, rest, ok := strings.Cut(arg, "://"); ok {
			if _, host, has := strings.Cut(rest, "@"); has {
				line[i] = scheme + "://…@" + host
			}
		}
		if strings.ContainsAny(line[i], " |*$'\"") {
			line[i] = "'" + strings.ReplaceAll(line[i], "'", `'\''`) + "'"
		}
	}
	return strings.Join(line, " ")
}
