"""A release: everything of Podlab's that a host gets, as one archive that needs no package index to install."""
