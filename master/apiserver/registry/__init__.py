"""What may be stored, and how it changes: one flow for all kinds, with one strategy a kind for what differs."""
