"""Coverage-guided fuzzing by atheris: python -m tests.fuzz csv --seconds 600. `make fuzz` runs all of them in turn."""

import argparse
import sys
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=("csv", "libsvm", "recordio", "json", "jsonlines"))
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    import atheris

    with atheris.instrument_imports(include=["lakemill.formats"]):
        from tests.fuzz import corpus, oracles

    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{chosen.target}-"))
    (folder / "corpus").mkdir()
    for number, body in enumerate(corpus.SEEDS[chosen.target]):
        (folder / "corpus" / f"seed-{number}").write_bytes(body)
    words = ["".join(f"\\x{byte:02x}" for byte in word) for word in corpus.WORDS[chosen.target]]
    (folder / "words").write_text("".join(f'"{word}"\n' for word in words))
    arguments = [
        sys.argv[0],
        str(folder / "corpus"),
        f"-dict={folder / 'words'}",
        f"-max_total_time={chosen.seconds}",
        f"-artifact_prefix={folder}/",
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
    ]
    atheris.Setup(arguments, oracles.TARGETS[chosen.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
