"""Streams into a pod over WebSocket and SPDY: exec, attach and port-forward, relayed from the pod's kubelet."""
