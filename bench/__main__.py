"""Run the benchmarks and write docs/benchmarks.md.

python -m bench                     all of them
python -m bench --only platform     those whose group or module name contains the word
"""

import argparse
import datetime
import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

GROUPS = {
    "platform": ["bench.requests", "bench.transfer", "bench.endpoint", "bench.startup"],
    "formats": ["bench.formats", "bench.conversion"],
    "streams": ["bench.log", "bench.streams", "bench.delivery", "bench.streaming_sql", "bench.streams_memory"],
    "lake": ["bench.tpch", "bench.crawler", "bench.matching"],
    "algorithms": [f"bench.{path.stem}" for path in sorted(Path(__file__).parent.glob("algorithms_*.py"))],
}
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
RESULTS = Path(__file__).parent / "results.json"


def figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def render(results: dict[str, dict]) -> str:
    """The page, from the latest result of every module."""
    lines = [
        "# Benchmarks\n",
        "<!-- Made by python -m bench; do not edit. -->\n",
        "Each row is lakemill and the best public peer on the same work in one run on the same machine. Machines and",
        "their neighbours are noisy: read the ratios, not the absolute figures. How each is measured stands in its",
        "module under `bench/`.\n",
    ]
    for group, modules in GROUPS.items():
        for module in modules:
            result = results.get(module)
            if not result:
                continue
            lines.append(f"## {group}: {module.removeprefix('bench.')}\n")
            lines.append(f"Measured {result['date']} on {result['machine']}, in {result['seconds']:.0f} s.\n")
            lines.append("| what | lakemill | peer | ratio | unit | target | met | note |")
            lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
            for row in result["rows"]:
                met = {True: "yes", False: "**no**", None: ""}[row.get("met")]
                cells = [
                    row["name"],
                    figure(row.get("ours")),
                    figure(row.get("peer")),
                    figure(row.get("ratio")),
                    row.get("unit", ""),
                    row.get("target", ""),
                    met,
                    row.get("note", ""),
                ]
                lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
            lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure lakemill beside its peers.")
    parser.add_argument("--only", default="", help="a word of a group's or module's name, or a whole one")
    only = parser.parse_args().only
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    modules_named = {module for modules in GROUPS.values() for module in modules}
    for group, modules in GROUPS.items():
        for module in modules:
            if only != module if only in modules_named else only not in group and only not in module:
                continue
            print(f"{module} ...", flush=True)
            began = time.perf_counter()
            rows = importlib.import_module(module).run()
            if not rows:
                print("  nothing was measured; earlier figures stay", flush=True)
                continue
            for row in rows:
                print(
                    f"  {row['name']}: {figure(row.get('ours'))} against {figure(row.get('peer'))}"
                    f" {row.get('unit', '')}  ratio {figure(row.get('ratio'))}  {row.get('target', '')}",
                    flush=True,
                )
            results[module] = {
                "date": datetime.date.today().isoformat(),
                "machine": f"{platform.platform(terse=True)}, {os.cpu_count()} cores, Python {sys.version.split()[0]}",
                "seconds": time.perf_counter() - began,
                "rows": rows,
            }
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            PAGE.write_text(render(results))
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
