"""Sessions, by tables of cases: tests/cases/warehouse/sessions/*.sql.

A file is a database. A case is a statement, and what it gives in lines that begin with `-->`: a tag, `| a | b` for each
row, or `! code message` for an error (the message may end before its end). `@ann` before it says whose session it is.
"""

from pathlib import Path

import pytest

from lakemill.lakesql.errors import SqlFailed

FILES = sorted((Path(__file__).parents[2] / "cases" / "warehouse" / "sessions").glob("*.sql"))


def cases(path):
    """Line number, user, statement, and what is expected."""
    user, lines, wanted, began = "awsuser", [], [], 0
    for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
        if line.startswith("--> "):
            wanted.append(line.removeprefix("--> "))
        elif line.startswith("@"):
            user = line[1:].strip()
        elif line.strip() and not line.startswith("--"):
            began = began if lines else number
            lines.append(line)
        elif not line.strip() and lines:
            yield began, user, "\n".join(lines), wanted
            user, lines, wanted = "awsuser", [], []


def told(client, sql):
    try:
        tag, rows = client.run(sql)
    except SqlFailed as failed:
        return [f"! {failed.code} {failed.message}"]
    if rows is None:
        return [tag]
    return ["".join(f"| {'NULL' if value is None else value} " for value in row).rstrip() for row in rows] or ["| none"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_sessions_do_what_the_cases_say(path, client):
    sessions = {}
    for number, user, sql, wanted in cases(path):
        if user not in sessions:
            sessions[user] = client(user)
        found = told(sessions[user], sql)
        if wanted and wanted[0].startswith("!"):
            assert found[0].startswith(wanted[0]), f"line {number}: {sql}\n{found}"
        else:
            assert found == wanted, f"line {number}: {sql}"
