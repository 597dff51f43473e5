"""Benchmarks, side by side in one run: ``make bench``. They print medians and ratios and assert nothing."""
