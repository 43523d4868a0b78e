"""Controllers of devices that pods claim."""
