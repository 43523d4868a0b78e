"""What a patch makes of an object: pure functions from JSON to JSON, and the way from message to message."""
