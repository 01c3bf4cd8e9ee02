"""Lets `python -m analyzer` do what `istio-usage` does."""

from analyzer.cli import main

main()
