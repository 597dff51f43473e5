"""The author's kit: make an exercise, read it for mistakes, prove it, look at it as a learner would."""
