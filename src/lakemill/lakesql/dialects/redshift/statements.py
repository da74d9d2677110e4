"""What kind of statement it is: by its first words, and for queries and changes of tables by their tree."""

from sqlglot import exp

from lakemill.lakesql.dialects.redshift import grammar, scanner
from lakemill.lakesql.dialects.redshift.model import Parsed
from lakemill.lakesql.dialects.redshift.scanner import Word
from lakemill.lakesql.errors import SqlFailed

STATEMENT_BYTES_MAX = 16 << 20
_QUERY = {"SELECT", "WITH", "("}


def parse(text: str) -> Parsed:
    """Raises SqlFailed(42601) with a position. Commands are not looked into."""
    if len(text) > STATEMENT_BYTES_MAX // 4 and len(text.encode()) > STATEMENT_BYTES_MAX:
        raise SqlFailed("54001", "Statement is too large. Statement Size: over 16 MB. Maximum Allowed: 16777216 bytes")
    known = list(scanner.words(text))
    while known and known[-1].text == ";" and known[-1].kind == "sign":
        known.pop()
    if not known:
        return Parsed("command", "")
    if any(w.text == ";" and w.kind == "sign" for w in known):
        raise SqlFailed("42601", "cannot insert multiple commands into a prepared statement")
    text = text[: known[-1].end]
    return _parsed(text, known, 0)


def _parsed(text: str, known: list[Word], at: int) -> Parsed:
    """The statement that begins with a word."""
    first = known[at].upper if at < len(known) else ""
    first_words = [w.upper for w in known[at : at + 4]]
    if first in _QUERY:
        return _query(text, _tree(text, known, at), first_words)
    if first in {"INSERT", "UPDATE", "DELETE"}:
        wanted = {"INSERT": exp.Insert, "UPDATE": exp.Update, "DELETE": exp.Delete}[first]
        tree = _tree(text, known, at)
        if not isinstance(tree, wanted):
            raise grammar.syntax_error(text, known[at].start)
        return Parsed(first.lower(), text, tree, words=first_words)
    if first == "MERGE":
        return _merge(text, known, at, first_words)
    if first == "EXPLAIN":
        verbose = at + 1 < len(known) and known[at + 1].upper == "VERBOSE"
        inner = _parsed(text, known, at + 1 + verbose)
        if inner.kind == "command":
            raise grammar.syntax_error(text, known[at + 1].start if at + 1 < len(known) else None)
        return Parsed("explain", text, flags={"verbose"} if verbose else set(), inner=inner, words=first_words)
    if first == "CREATE":
        return _create(text, known, at) or Parsed("command", text, words=first_words)
    if first == "VALUES":
        raise grammar.syntax_error(text, known[at].start)
    return Parsed("command", text, words=first_words)


def _tree(text: str, known: list[Word], at: int, end: int | None = None) -> exp.Expr:
    """Parsed where it stands, so that places are those of the whole text."""
    if at >= len(known):
        raise grammar.syntax_error(text, None)
    begin = known[at].start
    stop = known[end].start if end is not None and end < len(known) else len(text)
    blank = "".join("\n" if sign == "\n" else " " for sign in text[:begin])
    return grammar.parse(blank + text[begin:stop])


def _query(text: str, tree: exp.Expr, first_words: list[str]) -> Parsed:
    into = next((n.args["into"] for n in _selects(tree) if n.args.get("into")), None)
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete):
        return Parsed(type(tree).__name__.lower(), text, tree, words=first_words)
    if not isinstance(tree, exp.Query | exp.Subquery):
        raise SqlFailed("42601", "syntax error in the statement", position=1)
    if into is None:
        return Parsed("query", text, tree, words=first_words)
    for node in _selects(tree):
        node.set("into", None)
    if not isinstance(into.this, exp.Table):
        raise grammar.syntax_error(text, None)
    target = tuple(p.name for p in into.this.parts)
    temporary = bool(into.args.get("temporary")) or target[-1].startswith("#")
    return Parsed("ctas", text, tree, target, flags={"into", *(["temporary"] if temporary else [])}, words=first_words)


def _selects(tree: exp.Expr) -> list[exp.Select]:
    """The SELECT whose INTO counts: the first of a set operation."""
    while isinstance(tree, exp.SetOperation | exp.Subquery):
        tree = tree.this
    return [tree] if isinstance(tree, exp.Select) else []


def _merge(text: str, known: list[Word], at: int, first_words: list[str]) -> Parsed:
    flags: set[str] = set()
    end = len(text)
    if [w.upper for w in known[-2:]] == ["REMOVE", "DUPLICATES"]:
        end, flags = known[-2].start, {"remove_duplicates"}
    elif "WHEN" not in {w.upper for w in known}:
        raise grammar.syntax_error(text, None)
    # Without branches sqlglot does not take it.
    whole = text[:end] + (" WHEN MATCHED THEN DELETE" if flags else "")
    tree = _tree(whole, known[:-2] if flags else known, at)
    if not isinstance(tree, exp.Merge):
        raise grammar.syntax_error(text, known[at].start)
    return Parsed("merge", text, tree, flags=flags, words=first_words)


def _create(text: str, known: list[Word], at: int) -> Parsed | None:
    """CREATE TABLE ... AS; None for every other CREATE."""
    place, flags = at + 1, set()
    upper = [w.upper for w in known]
    if upper[place : place + 1] in (["LOCAL"], ["GLOBAL"]):
        place += 1
    if upper[place : place + 1] in (["TEMP"], ["TEMPORARY"]):
        flags.add("temporary")
        place += 1
    if upper[place : place + 1] != ["TABLE"]:
        return None
    place += 1
    if upper[place : place + 3] == ["IF", "NOT", "EXISTS"]:
        flags.add("if_not_exists")
        place += 3
    target, place = name(text, known, place)
    if target[-1].startswith("#"):
        flags.add("temporary")
    begin, depth = place, 0
    while place < len(known):
        depth += (known[place].text == "(") - (known[place].text == ")")
        if depth == 0 and upper[place] == "AS" and upper[place + 1 : place + 2] in (["SELECT"], ["WITH"], ["("]):
            break
        place += 1
    else:
        return None
    columns, after = _names(text, known, begin)
    head = text[known[after].start : known[place].start].strip() if after < place else ""
    end = len(known)
    if upper[-3:] == ["WITH", "NO", "DATA"]:
        flags.add("no_data")
        end -= 3
    tree = _tree(text, known, place + 1, end)
    words = upper[at : at + 4]
    return Parsed("ctas", text, tree, target, head=head, columns=columns, flags=flags, words=words)


def name(text: str, known: list[Word], at: int) -> tuple[tuple[str, ...], int]:
    """A dotted name from a word on, in lower case, and the place of the word behind it. Raises SqlFailed(42601)."""
    parts: list[str] = []
    while True:
        if at >= len(known) or known[at].kind not in {"word", "name"}:
            raise grammar.syntax_error(text, known[at].start if at < len(known) else None)
        parts.append(identifier(known[at]))
        at += 1
        if at >= len(known) or known[at].text != ".":
            return tuple(parts), at
        at += 1


def identifier(word: Word) -> str:
    """Names are folded to lower case, in quotes too."""
    shown = word.text[1:-1].replace('""', '"') if word.kind == "name" else word.text
    return shown.lower()


def _names(text: str, known: list[Word], at: int) -> tuple[list[str] | None, int]:
    """Names of columns in parentheses, if that is what follows."""
    if at >= len(known) or known[at].text != "(":
        return None, at
    found: list[str] = []
    at += 1
    while at + 1 < len(known) and known[at].kind in {"word", "name"} and known[at + 1].text in {",", ")"}:
        found.append(identifier(known[at]))
        at += 2
        if known[at - 1].text == ")":
            return found, at
    raise grammar.syntax_error(text, known[at].start if at < len(known) else None)
