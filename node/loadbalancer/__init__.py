"""Answers neighbours who ask for load balancers' addresses: one node of a segment for each (docs/load-balancer.md)."""
