"""Volumes of drivers of the Container Storage Interface, on their node."""
