"""Who did what, when, and what they were answered: a line of JSON for each stage of a request."""
