"""Makes volumes that are directories on nodes, for claims of classes that name `podlab.io/local-path`."""
