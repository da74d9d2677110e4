"""What sqlglot takes and Redshift has not: what no rule would look at is refused, never passed over."""

from sqlglot import exp

from lakemill.lakesql.dialects.typed import failed

_REFUSED: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Column: ("join_mark",),
    exp.Between: ("symmetric",),
    exp.Insert: ("conflict", "returning", "overwrite", "ignore", "partition", "where", "source", "by_name", "settings"),
    exp.Update: ("returning", "order", "limit"),
    exp.Delete: ("returning", "order", "limit", "cluster"),
    exp.Merge: ("returning", "using_cond"),
    exp.When: ("source",),
    exp.In: ("field", "unnest"),
    exp.Cast: ("format", "default", "action"),
    exp.Table: ("sample", "only", "version", "hints", "partition", "ordinality", "rows_from", "changes", "format"),
    exp.Subquery: ("sample",),
    exp.Ordered: ("with_fill",),
    exp.Join: ("match_condition", "global_", "hint"),
    exp.SetOperation: ("by_name", "side", "kind", "on"),
    exp.WindowSpec: ("exclude",),
}
_WORDS = {
    "join_mark": "(+)",
    "symmetric": "symmetric",
    "conflict": "on conflict",
    "sample": "tablesample",
    "field": "in",
    "version": "for",
}


def check(tree: exp.Expr) -> None:
    """Raises SqlFailed(42601), or 0A000 for what would be understood."""
    for node in tree.walk():
        for kind, keys in _REFUSED.items():
            if not isinstance(node, kind):
                continue
            for key in keys:
                if node.args.get(key):
                    word = _WORDS.get(key, key.strip("_"))
                    if key == "join_mark":
                        raise failed("0A000", "the (+) operator of outer joins is not supported; use LEFT JOIN", node)
                    raise failed("42601", f'syntax error at or near "{word}"', node)
        if isinstance(node, exp.WindowSpec) and (node.args.get("kind") or "").upper() == "GROUPS":
            raise failed("42601", 'syntax error at or near "groups"', node)
