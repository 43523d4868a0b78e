"""Archives of the store: podlab-store backup and restore."""
