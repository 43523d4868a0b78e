"""Clusters from nothing: inventories that are written, hosts that are added, and playbooks, without a source tree."""
