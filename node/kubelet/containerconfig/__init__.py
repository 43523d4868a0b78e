"""What CRI is told of a pod's sandbox and containers, made of the pod's spec. Pure."""
