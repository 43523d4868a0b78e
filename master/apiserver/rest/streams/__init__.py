"""Streams below a pod over WebSocket: exec, attach and port-forward, relayed from the pod's kubelet."""
