"""Expressions about requests: what policies see, and what is known of the objects that they are about."""
