"""One lab host: its image, root, network, control groups and processes."""
