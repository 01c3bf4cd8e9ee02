"""Patches: which workloads have one, what is in it, and what real tools make of it."""
