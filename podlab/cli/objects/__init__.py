"""Commands about objects of any kind, and what they share: manifests, targets, tables."""
