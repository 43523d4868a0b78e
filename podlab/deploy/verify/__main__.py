"""`python -m podlab.deploy.verify`, as the Ansible role and make call it."""

from podlab.deploy.verify.cli import app

if __name__ == "__main__":
    app(prog_name="podlab verify")
