"""Keeps the Endpoints of Services with a selector: the older form of EndpointSlices."""
