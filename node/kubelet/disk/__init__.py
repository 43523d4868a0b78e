"""What containers leave on the node's disk: walked, measured and removed without trusting it."""
