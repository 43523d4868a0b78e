"""Devices that containers ask for as extended resources, which plugins of the node offer."""
