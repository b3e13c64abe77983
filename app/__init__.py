"""Winnow: a web application in which a team cleans an image dataset together."""

__version__ = "0.1.0"
