"""False alarms of drift among made-up normal parts, each drawn once, as parts of a line are.

python -m tests.benchmarks.drift_alarms [--references 125] [--parts 16000] [--normals 143]
"""

import argparse

import numpy as np

from inspector.drift import DriftSettings
from inspector.drift.reference import Reference
from inspector.drift.witness import Run
from tests.inspector.drift.parts import THRESHOLD, some_normals, some_parts

AT_ONCE = 2000
"""Parts that are drawn at a time."""


def alarms(settings, *, references, parts, normals):
    """Alarms among so many parts beside each of so many references; after each the comparison begins anew."""
    seeds = iter(np.random.SeedSequence(0).generate_state(references * (1 + -(-parts // AT_ONCE))).tolist())
    count = 0
    for _ in range(references):
        reference = Reference.of(some_normals(normals, next(seeds)), THRESHOLD, settings)
        run = Run(reference, settings.window)
        for drawn in range(0, parts, AT_ONCE):
            for part in some_parts(min(AT_ONCE, parts - drawn), next(seeds)):
                comparison = run.add(part)
                if comparison and comparison.cause:
                    run, count = Run(reference, settings.window), count + 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--references", type=int, default=125, help="bundles, each with other normals; default 125")
    parser.add_argument("--parts", type=int, default=16_000, help="beside each; default 16000")
    parser.add_argument("--normals", type=int, default=143, help="held out, of each bundle; default 143")
    given = parser.parse_args()

    count = alarms(DriftSettings(), references=given.references, parts=given.parts, normals=given.normals)
    print(f"{count} false alarms in {given.references * given.parts:,} parts")


if __name__ == "__main__":
    main()
