"""Recommended requests as files that kustomize and Helm read. Nothing is applied."""
