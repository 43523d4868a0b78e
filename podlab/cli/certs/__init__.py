"""`podlab certs`: which certificates a cluster has, and when they end."""
