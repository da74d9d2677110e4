"""Strings: positions and lengths count characters, from 1."""

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.functions.registry import apply, table, unexpected
from lakemill.lakesql.dialects.redshift.coercion import coerce
from lakemill.lakesql.dialects.typed import Typed, failed, text
from lakemill.lakesql.types import INTEGER, VARCHAR

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE = table(
    r"""
lower(varchar) -> varchar : lower({0})
upper(varchar) -> varchar : upper({0})
initcap(varchar) -> varchar : text_initcap({0})
length(varchar) -> integer : CAST(length({0}) AS INTEGER)
length(varbyte) -> integer : CAST(octet_length({0}) AS INTEGER)
octet_length(varchar) -> integer : CAST(strlen({0}) AS INTEGER)
octet_length(varbyte) -> integer : CAST(octet_length({0}) AS INTEGER)
bit_length(varchar) -> integer : CAST(strlen({0}) * 8 AS INTEGER)
reverse(varchar) -> varchar : reverse({0})
ascii(varchar) -> integer : CASE WHEN {0} = '' THEN 0 ELSE unicode({0}) END
chr(integer) -> varchar : chr({0})
btrim(varchar) -> varchar : trim({0}, ' ')
btrim(varchar, varchar) -> varchar : trim({0}, {1})
ltrim(varchar) -> varchar : ltrim({0}, ' ')
ltrim(varchar, varchar) -> varchar : ltrim({0}, {1})
rtrim(varchar) -> varchar : rtrim({0}, ' ')
rtrim(varchar, varchar) -> varchar : rtrim({0}, {1})
replace(varchar, varchar, varchar) -> varchar : CASE WHEN {1} = '' THEN {0} ELSE replace({0}, {1}, {2}) END
strpos(varchar, varchar) -> integer : CAST(strpos({0}, {1}) AS INTEGER)
charindex(varchar, varchar) -> integer : CAST(strpos({1}, {0}) AS INTEGER)
substring(varchar, integer) -> varchar : text_from({0}, {1})
substring(varchar, integer, integer) -> varchar : text_between({0}, {1}, {2})
substring(varbyte, integer) -> varbyte : unhex(text_from(hex({0}), {1} * 2 - 1))
substring(varbyte, integer, integer) -> varbyte : unhex(text_between(hex({0}), {1} * 2 - 1, {2} * 2))
left(varchar, integer) -> varchar : text_left({0}, {1})
right(varchar, integer) -> varchar : text_right({0}, {1})
lpad(varchar, integer) -> varchar : text_lpad({0}, {1}, ' ')
lpad(varchar, integer, varchar) -> varchar : text_lpad({0}, {1}, {2})
rpad(varchar, integer) -> varchar : text_rpad({0}, {1}, ' ')
rpad(varchar, integer, varchar) -> varchar : text_rpad({0}, {1}, {2})
repeat(varchar, integer) -> varchar : repeat({0}, greatest({1}, 0))
translate(varchar, varchar, varchar) -> varchar : translate({0}, {1}, {2})
split_part(varchar, varchar, integer) -> varchar : text_part_at({0}, {1}, {2})
quote_ident(varchar) -> varchar : text_quote_ident({0})
quote_literal(varchar) -> varchar : text_quote_literal({0})
concat(varchar, varchar) -> varchar : ({0} || {1})
concat(varbyte, varbyte) -> varbyte : ({0} || {1})
regexp_count(varchar, varchar) -> integer : regexp_counted({0}, {1}, 1, '')
regexp_count(varchar, varchar, integer) -> integer : regexp_counted({0}, {1}, {2}, '')
regexp_count(varchar, varchar, integer, varchar) -> integer : regexp_counted({0}, {1}, {2}, {3})
regexp_instr(varchar, varchar) -> integer : regexp_place({0}, {1}, 1, 1, 0)
regexp_instr(varchar, varchar, integer) -> integer : regexp_place({0}, {1}, {2}, 1, 0)
regexp_instr(varchar, varchar, integer, integer) -> integer : regexp_place({0}, {1}, {2}, {3}, 0)
regexp_instr(varchar, varchar, integer, integer, integer) -> integer : regexp_place({0}, {1}, {2}, {3}, {4})
regexp_substr(varchar, varchar) -> varchar : regexp_part({0}, {1}, 1, 1)
regexp_substr(varchar, varchar, integer) -> varchar : regexp_part({0}, {1}, {2}, 1)
regexp_substr(varchar, varchar, integer, integer) -> varchar : regexp_part({0}, {1}, {2}, {3})
soundex(varchar) -> varchar : text_soundex({0})
difference(varchar, varchar) -> integer : text_difference({0}, {1})
strtol(varchar, integer) -> bigint : text_number({0}, {1})
to_hex(bigint) -> varchar : lower(to_hex({0}))
to_hex(varbyte) -> varchar : lower(hex({0}))
from_hex(varchar) -> varbyte : unhex({0})
to_varbyte(varchar, varchar) -> varbyte : text_bytes({0}, lower({1}))
from_varbyte(varbyte, varchar) -> varchar : bytes_text({0}, lower({1}))
"""
)
for _name, _same in {
    **dict.fromkeys(("len", "char_length", "character_length", "textlen"), "length"),
    **{"lcase": "lower", "ucase": "upper", "substr": "substring", "trim": "btrim", "replicate": "repeat"},
}.items():
    TABLE[_name] = TABLE[_same]


def _regexp_replace(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """All matches from a position on; `$1` in the replacement is the first group."""
    values = [c.expression(a) for a in args]
    if not 2 <= len(values) <= 5 or any(c.dialect.cost(v.type, VARCHAR) is None for v in values[:3]):
        raise unexpected(
            "regexp_replace", [v.type for v in values], ["regexp_replace(varchar, varchar)"], node, c.dialect
        )
    source, pattern, *more = (coerce(v, VARCHAR) for v in values[:3])
    put = more[0] if more else Typed("''", VARCHAR, "")
    if isinstance(put.value, str):
        shown = text("".join(_group(part) for part in _parts(put.value)))
    else:
        shown = f"regexp_replace(replace({put.sql}, '\\', '\\\\'), '\\$([0-9])', '\\\\\\1', 'g')"
    form, found = pattern.sql, "g"
    if len(values) == 5:
        flags = values[4].value
        if not isinstance(flags, str):
            raise failed("0A000", "regexp_replace with parameters that are not a literal is not supported", node)
        form, found = f"regexp_flags({pattern.sql}, {text(flags)})", "g"
    if len(values) > 3:
        at = coerce(values[3], INTEGER).sql
        rest = f"regexp_replace(substr({source.sql}, {at}), {form}, {shown}, '{found}')"
        return Typed(f"(substr({source.sql}, 1, {at} - 1) || {rest})", VARCHAR)
    return Typed(f"regexp_replace({source.sql}, {form}, {shown}, '{found}')", VARCHAR)


def _parts(shown: str) -> list[str]:
    return re.findall(r"\$\d|.", shown, re.S)


def _group(part: str) -> str:
    if len(part) == 2:
        return "\\" + part[1]
    return "\\\\" if part == "\\" else part


def _regexp_substr(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """With parameters: `i` ignores case, `e` gives the first group."""
    values = [c.expression(a) for a in args]
    if len(values) != 5:
        return apply("regexp_substr", TABLE["regexp_substr"], values, node, c.dialect)
    flags = values[4].value
    if not isinstance(flags, str):
        raise failed("0A000", "regexp_substr with parameters that are not a literal is not supported", node)
    source, pattern = coerce(values[0], VARCHAR).sql, coerce(values[1], VARCHAR).sql
    at, which = coerce(values[2], INTEGER).sql, coerce(values[3], INTEGER).sql
    group = 1 if "e" in flags else 0
    form = f"regexp_flags({pattern}, {text(flags.replace('e', ''))})"
    return Typed(
        f"coalesce(list_extract(regexp_extract_all(substr({source}, {at}), {form}, {group}), {which}), '')", VARCHAR
    )


def _concat(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """Two arguments. Arrays of SUPER are joined by array_concat."""
    if len(args) != 2:
        kinds = [c.expression(a).type for a in args]
        raise unexpected("concat", kinds, ["concat(varchar, varchar)"], node, c.dialect)
    return apply("concat", TABLE["concat"], [c.expression(a) for a in args], node, c.dialect)


RULES = {"regexp_replace": _regexp_replace, "regexp_substr": _regexp_substr, "concat": _concat}
