"""Who calls: a client certificate says it on both ports, a bearer token on REST's port only."""
