"""The audit log: a line of JSON for each stage of a request, with who asked what, when, and what was answered."""
