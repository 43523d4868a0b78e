"""The scheduling cycle: takes pods from the queue, decides about each, and assumes them on their nodes. Pure."""
