"""A watched board: what it says as text, kept as recordings, and across the breaks of its link."""
