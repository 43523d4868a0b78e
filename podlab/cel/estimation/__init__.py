"""What expressions may cost at most."""
