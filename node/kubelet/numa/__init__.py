"""Processors, devices and memory of containers near to each other: Kubernetes' topology manager."""
