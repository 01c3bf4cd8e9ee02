"""Tests of what each mode of the mesh needs and costs."""
