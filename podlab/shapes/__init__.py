"""What values are, and how two people's writing of one is brought together.

A shape describes a value without saying where the description is from: `messages` reads it off protobuf's descriptors,
and nothing else here knows protobuf.
"""
