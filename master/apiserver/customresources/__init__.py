"""CustomResourceDefinitions: which names a kind gets, when it is served, and what becomes of its objects at the end."""
