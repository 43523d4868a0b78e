"""The EndpointSlices of one owner: which endpoints they should have, and the fewest writes that give them these."""
