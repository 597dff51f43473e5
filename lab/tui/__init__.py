"""The app: screens and widgets over the life of an exercise. Nobody below imports this."""
