"""Tests of the page, on its elements and in a browser."""
