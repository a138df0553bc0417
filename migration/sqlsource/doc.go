// Package sqlsource reads the users of a legacy SQL database for package
// migration: any table, through a mapping of its columns.
//
//	source, err := sqlsource.New(db, sqlsource.MySQL, "members", sqlsource.Columns{
//		Key:           "id",
//		Email:         "mail",
//		Name:          "full_name",
//		EmailVerified: "confirmed_at", // a time: verified once it is there
//		Password:      "pwd",
//		UpdatedAt:     "changed",
//		AppMetadata:   map[string]string{"plan": "plan_code"},
//	}, sqlsource.Config{Where: "deleted_at IS NULL"})
//	…
//	err = source.Check(ctx) // names what is wrong with the mapping, before a run of hours
//
// Well-known schemas have presets, whose fields you may change before you open
// them:
//
//	schema := sqlsource.Django()
//	schema.Columns.AppMetadata = map[string]string{"joined": "date_joined"}
//	source, err := schema.Open(db, sqlsource.Postgres)
//
// Pages are read by keyset (WHERE key > ? ORDER BY key LIMIT n), which the
// database answers from the index of the key. The key must be unique and
// permanent, because it becomes the user's id at Auth0.
//
// Every name is quoted, and user input never becomes part of a statement.
// Config.Where and Config.From do become part of it: set them only from trusted
// text. The database account needs SELECT, and UPDATE only for Columns.MigratedAt.
//
// If the column of EmailVerified, Blocked or Active holds times, any time means
// true. Data that is not in one table (memberships, several factors of one user)
// comes from a view, from Config.From, or from a Source of your own that wraps
// this one.
package sqlsource
