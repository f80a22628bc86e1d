"""Recordings made without a computer: from a board or what is left of its flash, to a dataset.

`blocks` checks what came, `times` knows when it was, `joining` makes
recordings of it, `storing` puts them into a dataset: shared by `pull` (from a
board, through `fetching`, into a `shelf`), `recover` and the importer of .tsr.
"""
