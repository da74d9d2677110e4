"""From parsed queries to graphs of operators."""
