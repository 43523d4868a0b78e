"""The Common Expression Language, as Kubernetes speaks it: compile, check and evaluate, at a bounded cost."""
