"""Decides what is wrong with the hosts of an inventory, from facts alone. Pure."""
