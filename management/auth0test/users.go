package auth0test

func userRoutes() []route {
	return []route{
		{method: "GET", pattern: "/users/{id}", bucket: "read users", handle: readUser},
	}
}

const noUser = "The user does not exist."

func readUser(c *call) *reply {
	u := c.t.users.get(c.path("id"))
	if u == nil {
		return notFound(noUser, "inexistent_user")
	}
	return ok(c.fields(map[string]any{"user_id": u.id}))
}
