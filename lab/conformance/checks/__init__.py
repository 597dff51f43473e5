"""The checks, one module per letter of the list: each function is named as its behavior."""
