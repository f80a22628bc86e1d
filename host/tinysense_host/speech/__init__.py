"""Speech models: clips of words, their variation, training, and what a stream is worth."""
