"""One module per screen, its style sheet beside it."""
