"""Nodes that leave a cluster, and machines that take a node's name over: what the cluster knows, and what follows."""
