"""Keeps the EndpointSlices of Services with a selector as their pods are."""
