"""Pods leave devices that have NoExecute taints."""
