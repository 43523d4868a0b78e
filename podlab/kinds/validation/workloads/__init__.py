"""What those that make pods may say, and those that follow their number."""
