"""From a recipe and recordings to a network: examples, folds by person, variation, training."""
