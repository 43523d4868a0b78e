"""Who calls: by client certificate on both ports, by bearer token on REST's alone."""
