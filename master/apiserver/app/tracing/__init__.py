"""Tells a collector of OpenTelemetry about the ways of pods, where the settings name one."""
