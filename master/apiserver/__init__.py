"""The API server: the only one that touches the store, and the one that everybody talks to."""
