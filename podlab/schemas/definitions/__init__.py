"""What a schema has to be before objects have it: its own rules."""
