"""Tests of what is read through the door: surveys, snapshots, tables."""
