"""Did cleaning help? What is trained on what, and what follows from the outcomes."""
