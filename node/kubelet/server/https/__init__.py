"""What the kubelet answers over HTTPS, to whom the API server says that it may."""
