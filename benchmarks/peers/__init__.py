"""Drivers that put other programs through the same work, each in an environment of its own."""
