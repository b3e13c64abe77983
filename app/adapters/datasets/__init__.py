"""Where a project's images are read from: one small module for each kind of source. Nothing is ever written there."""
