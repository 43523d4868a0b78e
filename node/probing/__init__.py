"""Real packets on somebody's order: from a pod, from the node, or from a namespace that is attached as a pod's is."""
