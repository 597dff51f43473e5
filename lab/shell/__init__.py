"""The learner's shell: environment, wrappers, start-up files, pseudo-terminal and screen emulation.

Nothing here knows the app or an exercise; pyte is used in ``screen`` alone.
"""
