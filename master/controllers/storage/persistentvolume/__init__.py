"""Binds claims and volumes to each other, and says how each of them stands."""
