"""Steps of a demonstration: each says what it does while it does it, and how long it took."""

import sys
import time

terminal = sys.stdout.isatty()
results: list[dict] = []


class Step:
    """A row of the table. what, quality and reference are filled in underway."""

    def __init__(self, name: str) -> None:
        self.name, self.what, self.quality, self.reference = name, "", "", ""

    def __enter__(self) -> "Step":
        self.began = time.perf_counter()
        self.say("...")
        return self

    def say(self, text: str) -> None:
        seconds = time.perf_counter() - self.began
        line = f"{self.name}: {text} ({seconds:.1f} s)"
        print(f"\r\x1b[K{line}" if terminal else line, end="" if terminal else "\n", flush=True)

    def __exit__(self, kind, *_) -> None:
        if kind is None:
            seconds = time.perf_counter() - self.began
            self.say(self.what)
            if terminal:
                print()
            results.append(
                {
                    "step": self.name,
                    "what happened": self.what,
                    "seconds": round(seconds, 1),
                    "quality": self.quality,
                    "reference": self.reference,
                }
            )
