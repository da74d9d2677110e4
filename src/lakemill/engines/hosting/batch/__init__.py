"""Batch inference: objects in, requests to serving processes, objects out."""
