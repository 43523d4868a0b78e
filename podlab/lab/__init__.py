"""Lab hosts: minimal Debian systems under systemd-nspawn that stand in for VMs.

To everything above they are ordinary SSH hosts; nothing outside this package and the
bootstrap knows how they are made.
"""
