"""Questions about a pod that are answered from the pod alone."""
