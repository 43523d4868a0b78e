"""Keeps the rules of ClusterRoles that are made of others."""
