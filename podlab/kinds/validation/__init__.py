"""What makes an object acceptable: pure functions over messages that have had their defaults.

`rules` holds what is checked of all, and the kinds' own rules against them; the folders hold what big kinds ask.
"""
