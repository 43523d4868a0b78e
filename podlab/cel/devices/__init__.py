"""Expressions about devices."""
