"""Rules about kinds that judge requests."""
