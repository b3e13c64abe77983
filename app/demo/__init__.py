"""The demo dataset: drawn scenes with planted faults, their truth, and a check of what a clean-up found."""
