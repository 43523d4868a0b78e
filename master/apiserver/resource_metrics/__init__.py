"""What nodes and pods use, asked of the kubelets and answered as metrics.k8s.io has it."""
