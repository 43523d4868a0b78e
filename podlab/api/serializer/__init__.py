"""Objects to and from JSON and YAML: compiled from descriptors, with every problem named by its path."""
