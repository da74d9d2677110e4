"""What the process of a Python shell job finds: who runs its script (`run.py`), and the package `awsglue`.

Both are made of the standard library alone; nothing here is imported by the platform.
"""
