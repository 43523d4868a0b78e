"""The checks of the standards, a file each."""
