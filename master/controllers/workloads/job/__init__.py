"""Runs a Job's pods until enough of them have succeeded, and counts each of them exactly once."""
