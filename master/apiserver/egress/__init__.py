"""How the API server reaches others: kubelets over gRPC, pods and Services through them, and URLs."""
