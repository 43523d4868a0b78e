"""Kinds that CustomResourceDefinitions describe: each becomes a Resource as those of the built-in kinds are."""
