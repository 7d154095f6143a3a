"""Scores with signatures, and the evaluation of runs."""
