"""Answers ARP for the addresses of load balancers: one node of a segment for each (docs/load-balancer.md)."""
