"""Experiments that can be run again: ``inspector-train benchmark``."""
