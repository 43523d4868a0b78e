"""Counts how many pods of each PodDisruptionBudget may go because somebody wants it so."""
