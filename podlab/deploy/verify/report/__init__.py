"""What `podlab verify` found, as a document: each check, and the CIS Kubernetes Benchmark control by control. Pure."""
