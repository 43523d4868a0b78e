"""Learns about the hosts: the scripts that run on them, and what their answers say."""
