"""Controllers of nodes: their addresses for pods, their health, and evictions from unfit ones."""
