"""Shows the scheduler's decisions."""
