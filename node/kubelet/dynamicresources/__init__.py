"""Devices that pods claim: what has to be done on their node before they start."""
