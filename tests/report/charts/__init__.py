"""Tests of the charts, on their axes and not on their pixels."""
