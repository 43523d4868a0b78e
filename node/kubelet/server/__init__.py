"""The Kubelet gRPC service, and the streams that it carries."""
