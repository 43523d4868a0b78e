"""The control groups of pods and of their classes: what each may use, and how the kernel is told."""
