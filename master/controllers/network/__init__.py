"""Controllers that keep the addresses behind Services."""
