"""Brings a lab up to a verified cluster, and shows it."""
