"""Requests of clients that other servers answer: pods, Services, nodes, and aggregated APIs."""
