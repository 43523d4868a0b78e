"""`podlab describe`: all there is to say about an object, for people. One module for each group of kinds, all pure."""
