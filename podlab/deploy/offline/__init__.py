"""An install without any network but SSH: one archive holds all that hosts, and the machine that deploys, need."""
