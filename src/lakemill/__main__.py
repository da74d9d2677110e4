"""`python -m lakemill` is the `lakemill` command."""

from lakemill.cli import main

if __name__ == "__main__":
    main()
