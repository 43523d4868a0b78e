"""Pods' volumes, and what they are made of: claims, ConfigMaps, Secrets, tokens."""
