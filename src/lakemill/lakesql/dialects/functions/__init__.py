"""Functions by family; `registry` finds them."""
