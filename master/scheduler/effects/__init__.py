"""What the scheduler does to the cluster: it binds pods and volumes, writes statuses, and evicts victims."""
