"""Judges nodes by their heartbeats, and taints those that are not fit."""
