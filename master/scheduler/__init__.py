"""The scheduler: filters the nodes, scores those that are left, binds the pod, and remembers why."""
