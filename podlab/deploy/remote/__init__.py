"""Podlab's own Ansible modules, each sent to a host as one script over Ansible's own connection."""
