"""Aggregated APIs: which group versions this server answers itself, and which servers behind Services answer."""
