"""Measured speed and cost: a script each; dated results, failures included, in LOG.md."""
