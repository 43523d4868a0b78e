"""Images on the node: pulled, imported, and the credentials for registries."""
