"""The container runtime: what the kubelet needs of it, and containerd's CRI as its implementation."""
