"""Gives each node a block of the cluster's pod addresses."""
