"""Which pods make room for a more important one, and the nodes that pods are nominated to. Pure."""
