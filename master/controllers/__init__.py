"""The control loops: each compares what the API says should be with what is, and does what is missing."""
