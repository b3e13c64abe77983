"""The ``winnow`` command: an entry point beside web and workers, which may use both."""
