"""CustomResourceDefinitions, and what they ask of objects beyond schemas."""
