"""Keeps the status of ResourceQuotas right."""
