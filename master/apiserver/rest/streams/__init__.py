"""Streams below a pod, over WebSocket and over SPDY: exec, attach and port-forward, relayed from the pod's kubelet."""
