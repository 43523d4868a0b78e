"""Keeps Endpoints, the older form of EndpointSlices: made from pods, and made into slices where others write them."""
