"""How full volumes are: of each kind in its way, by Kubernetes' names."""
