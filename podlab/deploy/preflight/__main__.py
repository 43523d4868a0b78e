"""`python -m podlab.deploy.preflight`, as the Ansible role calls it, without the rest of the command line."""

from podlab.deploy.preflight.cli import app

if __name__ == "__main__":
    app(prog_name="podlab preflight")
