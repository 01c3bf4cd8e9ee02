"""Predicted against measured CPU, after namespaces have moved from sidecars to ambient."""

from analyzer.comparison.compare import compare, compare_usage
from analyzer.comparison.result import Comparison

__all__ = ["Comparison", "compare", "compare_usage"]
