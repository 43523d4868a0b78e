"""Commands about workloads: rollouts and scale."""
