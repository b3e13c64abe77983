"""The files of a version, each made from its frozen content alone."""
