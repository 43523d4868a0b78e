"""Webhooks: which writes they are asked about, what they are sent, and what their answers mean. Pure."""
