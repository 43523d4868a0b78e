"""Ansible action: the module of this name, sent as one script."""

from podlab.deploy.remote.action import ActionModule

__all__ = ["ActionModule"]
