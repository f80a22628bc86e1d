"""Package and models onto a board: what fits, what is there, how it gets there and back.

`setup_board` puts the `package` there, which `board_package` looks at; `upload` puts a
model into one of its `slots` once `preflight` has nothing against it.
"""
