"""Gives Services of type LoadBalancer addresses of the inventory's pool; nodes answer for them (node/loadbalancer)."""
