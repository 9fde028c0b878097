"""Measure what pretraining has made, on patients it has not seen, and say it in words."""
