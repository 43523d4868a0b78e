"""Commands about a pod's containers: streams, logs and ports."""
