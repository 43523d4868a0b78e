"""Processors that containers have for themselves: Kubernetes' CPU manager."""
