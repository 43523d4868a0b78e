"""Kubelets: where they are, gRPC connections to them, and calls that stream both ways."""
