"""Pod workers: one loop for each pod, which looks, decides and does one action at a time."""
