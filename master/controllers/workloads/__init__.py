"""Controllers that run pods: what a workload asks for becomes pods, Jobs or ReplicaSets."""
