"""Run all benchmarks, or those named, and print one table."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys

from tests.bench.measure import Row, table

PARTS = ("servers", "app", "exercise")


def main() -> int:
    """Measure, then print the table and the machine."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    chosen = parser.parse_args().parts or PARTS
    rows: list[Row] = []
    for part in chosen:
        rows += importlib.import_module(f"tests.bench.{part}").rows()
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
