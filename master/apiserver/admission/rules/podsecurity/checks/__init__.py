"""The checks of the standards, a file each. Sysctls have none: no pod here can set any."""
