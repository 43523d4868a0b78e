"""Copies the Endpoints that others write for Services without a selector into EndpointSlices."""
