"""`python -m podlab.preflight`, as the Ansible role calls it: it needs nothing of the rest of the command line."""

from podlab.preflight.cli import app

if __name__ == "__main__":
    app(prog_name="podlab preflight")
