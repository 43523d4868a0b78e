"""Who manages which fields of each object, kept with every write."""
