"""Measures put into plain sentences: what is seen and what is heard, each with its evidence."""
