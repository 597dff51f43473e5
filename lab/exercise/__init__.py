"""The life of one exercise: world, workspace, predictions, checks, hints, explanation. It knows no screen."""
