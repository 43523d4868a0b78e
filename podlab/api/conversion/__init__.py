"""One version of a kind to another."""
