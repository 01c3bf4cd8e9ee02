"""The tables of an answer and of a comparison, each defined once for every kind of report."""
