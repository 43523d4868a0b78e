"""Whose turn it is when more is asked than the server does at once: nobody can take all of it."""
