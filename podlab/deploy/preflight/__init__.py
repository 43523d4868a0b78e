"""Checks of all hosts of an inventory before Ansible changes anything: gather facts, decide, report."""
