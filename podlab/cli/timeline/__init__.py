"""Shows where the time went from a pod's creation until it is reached on every node."""
