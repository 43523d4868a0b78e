"""Runs the pods that are bound to this node."""
