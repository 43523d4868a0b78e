"""Which node a pod goes to: filter all nodes, score those that are left, choose one. Pure."""
