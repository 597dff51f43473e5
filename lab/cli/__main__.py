"""``python -m lab.cli``, which the learner's shell uses for its ``lab``."""

import sys

from lab.cli import main

if __name__ == "__main__":
    sys.exit(main())
