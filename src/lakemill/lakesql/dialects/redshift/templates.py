"""Templates of TO_CHAR and its like, as expressions of DuckDB.

https://docs.aws.amazon.com/redshift/latest/dg/r_FORMAT_strings.html
"""

import re

from sqlglot import exp

from lakemill.lakesql.dialects.typed import failed, text
from lakemill.lakesql.types import Type

_DATE = re.compile(
    r'"([^"]*)"|(FM|TM)|(HH24|HH12|HH|MI|SSSS|SS|MS|US|A\.M\.|P\.M\.|AM|PM|Y,YYY|IYYY|YYYY|YYY|YY|Y|MONTH|MON|MM|RM'
    r"|DAY|DY|DDD|DD|D|WW|IW|W|Q|J|CC|TZ|OF|BC|AD)(TH)?|(.)",
    re.I | re.S,
)
_STRFTIME = {
    **{"HH24": "%H", "HH12": "%I", "HH": "%I", "MI": "%M", "SS": "%S", "YYYY": "%Y", "YY": "%y", "MM": "%m"},
    **{"DD": "%d", "DDD": "%j", "IW": "%V", "IYYY": "%G", "US": "%f", "MS": "%g"},
}
_NUMBER = {
    "HH24": "%-H",
    "HH12": "%-I",
    "HH": "%-I",
    "MI": "%-M",
    "SS": "%-S",
    "MM": "%-m",
    "DD": "%-d",
    "DDD": "%-j",
}
_CASES = {"upper": str.upper, "lower": str.lower}


def moment_text(sql: str, template: str, node: exp.Expr) -> str:
    """sql: a timestamp. Names of days and months are padded with blanks to nine letters, unless FM stands before."""
    pieces, fill = [], True
    for quoted, mode, word, ordinal, sign in _DATE.findall(template):
        if mode:
            fill = mode.upper() != "FM"
            continue
        if not word:
            pieces.append(text(quoted or sign))
            continue
        made = _date_word(sql, word, fill, node)
        if ordinal:
            made = f"ordinal_text({made}, {'true' if ordinal.isupper() else 'false'})"
        pieces.append(made)
    return "(" + " || ".join(pieces or ["''"]) + ")"


def _date_word(sql: str, word: str, fill: bool, node: exp.Expr) -> str:
    upper = word.upper()
    if upper in {"MONTH", "MON", "DAY", "DY"}:
        made = f"strftime({sql}, '{ {'MONTH': '%B', 'MON': '%b', 'DAY': '%A', 'DY': '%a'}[upper] }')"
        made = f"upper({made})" if word.isupper() else f"lower({made})" if word.islower() else made
        return f"rpad({made}, 9, ' ')" if fill and upper in {"MONTH", "DAY"} else made
    if upper in {"AM", "PM", "A.M.", "P.M."}:
        first, last = ("a.m.", "p.m.") if "." in word else ("am", "pm")
        if word.isupper():
            first, last = first.upper(), last.upper()
        return f"CASE WHEN hour({sql}) < 12 THEN '{first}' ELSE '{last}' END"
    if upper in _STRFTIME:
        form = _STRFTIME[upper] if fill else _NUMBER.get(upper, _STRFTIME[upper])
        return f"strftime({sql}, '{form}')"
    others = {
        "Y,YYY": f"(CAST(year({sql}) // 1000 AS VARCHAR) || ',' || lpad(CAST(year({sql}) % 1000 AS VARCHAR), 3, '0'))",
        "YYY": f"right(strftime({sql}, '%Y'), 3)",
        "Y": f"right(strftime({sql}, '%Y'), 1)",
        "D": f"CAST(dayofweek({sql}) + 1 AS VARCHAR)",
        "WW": f"lpad(CAST((dayofyear({sql}) - 1) // 7 + 1 AS VARCHAR), 2, '0')",
        "W": f"CAST((day({sql}) - 1) // 7 + 1 AS VARCHAR)",
        "Q": f"CAST(quarter({sql}) AS VARCHAR)",
        "J": f"CAST(CAST(floor(julian({sql})) AS BIGINT) AS VARCHAR)",
        "CC": f"lpad(CAST((year({sql}) - 1) // 100 + 1 AS VARCHAR), 2, '0')",
        "SSSS": f"CAST(hour({sql}) * 3600 + minute({sql}) * 60 + second({sql}) AS VARCHAR)",
        "AD": "'AD'",
        "BC": "'AD'",
        "TZ": "'UTC'",
        "OF": "'+00'",
    }
    if upper not in others:
        raise failed("0A000", f'"{word}" in a template is not supported', node)
    return others[upper] if word.isupper() or upper not in {"AD", "BC", "TZ"} else f"lower({others[upper]})"


_READ = {
    **{
        "HH24": "%H",
        "HH12": "%I",
        "HH": "%I",
        "MI": "%M",
        "SS": "%S",
        "YYYY": "%Y",
        "YY": "%y",
        "MM": "%m",
        "DD": "%d",
    },
    **{
        "MONTH": "%B",
        "MON": "%b",
        "DAY": "%A",
        "DY": "%a",
        "DDD": "%j",
        "AM": "%p",
        "PM": "%p",
        "US": "%f",
        "MS": "%g",
    },
}


def readers(template: str, node: exp.Expr) -> list[str]:
    """Patterns of strptime, tried in order: what a text leaves out at its end is taken for nothing.

    >>> readers("YYYY-MM-DD", None)
    ['%Y-%m-%d']
    """
    made: list[str] = []
    for quoted, mode, word, ordinal, sign in _DATE.findall(template):
        if mode:
            continue
        if not word:
            made.append((quoted or sign).replace("%", "%%"))
        elif word.upper() in _READ and not ordinal:
            made.append(_READ[word.upper()])
        else:
            raise failed("0A000", f'"{word}" in a template to read by is not supported', node)
    return ["".join(made)]


_NUMERIC = re.compile(r'"([^"]*)"|(FM|SG|MI|PL|PR|TH|EEEE|RN|[90.,DGSL$V])|(.)', re.I | re.S)


def scale_of(template: str, node: exp.Expr) -> int:
    """Digits behind the point."""
    scale, behind = 0, False
    for _, word, _ in _NUMERIC.findall(template):
        if word.upper() in {"EEEE", "RN", "V"}:
            raise failed("0A000", f'"{word}" in a template is not supported', node)
        behind = behind or word.upper() in {".", "D"}
        scale += behind and word in {"9", "0"}
    return scale


def number_text(sql: str, template: str, kind: Type, node: exp.Expr) -> str:
    """A number as a template of 9, 0, commas, a point and signs says; # where it is too large."""
    scale = scale_of(template, node)
    words = [(quoted, word.upper(), sign) for quoted, word, sign in _NUMERIC.findall(template)]
    fill = not any(word == "FM" for _, word, _ in words)
    whole, behind, before, after = [], "", "", ""
    signs = {"front": "", "end": ""}
    seen_digit = seen_point = False
    for quoted, word, sign in words:
        if word in {"9", "0"}:
            seen_digit = True
            if seen_point:
                behind += word
            else:
                whole.append(word)
        elif word in {",", "G"} and not seen_point:
            whole.append(",")
        elif word in {".", "D"}:
            seen_point = True
        elif word in {"S", "SG", "MI", "PL", "PR"}:
            signs["end" if seen_digit else "front"] = word
        elif word in {"L", "$"}:
            before, after = (before + "$", after) if not seen_digit else (before, after + "$")
        elif word != "FM":
            shown = quoted or sign or ""
            before, after = (before + shown, after) if not seen_digit else (before, after + shown)
    body = _whole(whole, f"number_whole({sql}, {scale})", seen_point, scale)
    if seen_point:
        fraction = f"number_fraction({sql}, {scale})"
        if not fill:
            kept = behind.rfind("0") + 1
            fraction = f"(left({fraction}, {kept}) || rtrim(substr({fraction}, {kept + 1}), '0'))"
        body = f"({body} || '.' || {fraction})"
    digits = sum(w != "," for w in whole)
    too_large = f"length(number_whole({sql}, {scale})) > {digits}"
    marks = "".join("," if w == "," else "#" for w in whole) + ("." + "#" * scale if seen_point else "")
    body = f"CASE WHEN {too_large} THEN '{marks}' ELSE ltrim({body}) END"
    width = len(whole) + (1 + scale if seen_point else 0)
    return _signed(sql, body, signs, width, fill, before, after, scale)


def _whole(whole: list[str], digits: str, point: bool, scale: int) -> str:
    count = sum(w != "," for w in whole)
    zeros = 0
    for i, w in enumerate(whole):
        if w == "0":
            zeros = sum(x != "," for x in whole[i:])
            break
    shown = f"CASE WHEN {digits} = '0' THEN '' ELSE {digits} END" if point and scale and not zeros else digits
    padded = f"lpad(lpad({shown}, {zeros}, '0'), {count}, ' ')" if zeros else f"lpad({shown}, {count}, ' ')"
    if zeros:
        padded = (
            f"lpad(CASE WHEN length({shown}) < {zeros} THEN lpad({shown}, {zeros}, '0') ELSE {shown} END, {count}, ' ')"
        )
    if "," not in whole:
        return padded
    pieces, place = [], 0
    for w in whole:
        if w == ",":
            pieces.append(f"CASE WHEN substr({padded}, {place}, 1) = ' ' THEN ' ' ELSE ',' END" if place else "''")
        else:
            place += 1
            pieces.append(f"substr({padded}, {place}, 1)")
    return "(" + " || ".join(pieces) + ")"


def _signed(
    sql: str, body: str, signs: dict[str, str], width: int, fill: bool, before: str, after: str, scale: int
) -> str:
    minus = f"(number_rounded({sql}, {scale}) < 0)"
    front, end, room = f"CASE WHEN {minus} THEN '-' ELSE '' END", "''", width + 1
    if signs["front"] == "S" or signs["front"] == "SG":
        front = f"CASE WHEN {minus} THEN '-' ELSE '+' END"
    elif signs["front"] in {"MI", "PL"} or signs["end"] in {"S", "SG", "MI", "PL", "PR"}:
        word = signs["front"] or signs["end"]
        yes, no = {"S": ("-", "+"), "SG": ("-", "+"), "MI": ("-", " "), "PL": (" ", "+"), "PR": (">", " ")}[word]
        shown = f"CASE WHEN {minus} THEN '{yes}' ELSE '{no if fill or no == '+' else ''}' END"
        if word == "PR":
            front, end = f"CASE WHEN {minus} THEN '<' ELSE '' END", shown
        elif signs["front"]:
            filled = f"lpad({body}, {width}, ' ')" if fill else body
            return f"({text(before)} || {shown} || {filled} || {text(after)})"
        else:
            front, end, room = ("''" if word != "PL" else front), shown, width + (word == "PL")
    made = f"({front} || {body})"
    made = f"lpad({made}, {room}, ' ')" if fill else made
    return f"({text(before)} || {made} || {end} || {text(after)})"
