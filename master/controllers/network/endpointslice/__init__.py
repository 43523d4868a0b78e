"""Keeps the EndpointSlices of Services with a selector."""
