"""Leader election: of several that run the same loops, the one that holds a Lease works."""
