"""Takes a Deployment from one pod template to the next through its ReplicaSets."""
