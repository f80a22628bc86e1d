"""The link to a board: lines, transports, files and frames over them."""
