"""Pods that take more of the node's disk than they may."""
