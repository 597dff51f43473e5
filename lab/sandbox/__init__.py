"""An AWS that tells the truth, in a process of its own: ``python -m lab.sandbox``. Nothing of the lab imports it."""
