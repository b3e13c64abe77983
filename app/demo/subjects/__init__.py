"""One module for each class of the demo: how its scenes are drawn."""
