"""Policies that users write: ValidatingAdmissionPolicy and MutatingAdmissionPolicy."""
