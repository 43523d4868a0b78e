"""Pods that wait for a node: the scheduling queue, its back-off, and the events that wake pods. Pure."""
