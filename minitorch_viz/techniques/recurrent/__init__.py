"""Techniques for nets that read: cells on text, gates, evidence, errors."""
