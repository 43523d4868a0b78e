"""Webhooks: others who change and judge what is written. They are asked over HTTPS."""
