"""The Kubernetes REST API: HTTPS and JSON over the registry that gRPC writes to as well."""
