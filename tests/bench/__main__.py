"""`make bench`: runs the rows, keepalived and hatui in turn, and prints what was measured and what was missed."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tests.bench.plants import compiled
from tests.bench.rows import ROWS


def main() -> int:
    """Exit code 0 when every budget is met, 1 when one is missed (it is printed as such)."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("rows", nargs="*", help="keys of rows; default all: " + " ".join(row.key for row in ROWS))
    parser.add_argument("--json", metavar="FILE", help="also write the figures as JSON")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - {row.key for row in ROWS}
    if unknown:
        parser.error(f"no such row: {' '.join(sorted(unknown))}")
    compiled()
    results: list[dict[str, Any]] = []
    print(f"{'work':46} {'unit':7} {'keepalived':>10} {'hatui':>10} {'ratio':>6}  budget")
    for row in ROWS:
        if arguments.rows and row.key not in arguments.rows:
            continue
        figures = {kind: row.measure(kind) for kind in row.kinds}
        theirs, ours = figures.get("keepalived", 0.0), figures["hatui"]
        met = ours <= row.bound(theirs)
        ratio = f"{ours / theirs:.2f}" if theirs else "-"
        beside = f"{theirs:10.2f}" if "keepalived" in figures else f"{'-':>10}"
        verdict = "met" if met else "MISSED"
        print(f"{row.title:46} {row.unit:7} {beside} {ours:10.2f} {ratio:>6}  {row.budget} {verdict}", flush=True)
        results.append({"row": row.key, "unit": row.unit, **figures, "budget": row.budget, "met": met})
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)
    return 0 if all(one["met"] for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
