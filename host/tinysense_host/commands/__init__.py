"""One file per command; each holds the command's options and printing, nothing else."""
