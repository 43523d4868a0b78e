"""How kinds differ when they are written: one table, and a module for each kind that needs more than a line of it."""
