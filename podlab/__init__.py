"""What both sides of Podlab share: API, client, certificates; and on top of those the command line and the lab."""

__version__ = "0.1.0"
