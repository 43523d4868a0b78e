"""Deletes what has lost its owners, and holds owners that wait for their dependants."""
