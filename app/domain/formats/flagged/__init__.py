"""Exports of flagged samples, as detectors write them: one small module a format, over one contract.

``contract.py`` says what a format is, ``recognise.py`` has the list of them and opens an upload. Nothing here loads a
pickle, writes a file or trusts a name.
"""
