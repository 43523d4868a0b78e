"""Pod networking of one node: the CNI configuration, routes to the other nodes' pods, and the way out."""
