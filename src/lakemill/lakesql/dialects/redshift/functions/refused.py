"""Functions of Redshift or PostgreSQL that are not here, and why."""

_SKETCH = "sketches are not provided"
_GEO = "geospatial functions are not provided"
REFUSED = {
    **dict.fromkeys(("hll", "hll_create_sketch", "hll_cardinality", "hll_combine"), _SKETCH),
    **dict.fromkeys(
        ("st_point", "st_distance", "st_geomfromtext", "st_astext", "st_x", "st_y", "h3_fromlonglat"), _GEO
    ),
    **dict.fromkeys(("string_agg", "array_agg"), "Redshift has listagg"),
    **dict.fromkeys(("nextval", "currval", "setval"), "there are no sequences"),
    "object_transform": "its paths are not provided",
    "explain_model": "there is no model to explain",
}
