package natsaudit

// Token is what tests reach.
var Token = token
