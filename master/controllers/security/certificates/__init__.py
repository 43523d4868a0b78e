"""Approves, signs and cleans away requests for certificates."""
