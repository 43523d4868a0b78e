"""`podlab verify`: is what a playbook deployed really there? Runs tests/verify and reports it as sentences."""
