"""Columns that several kinds have alike."""
