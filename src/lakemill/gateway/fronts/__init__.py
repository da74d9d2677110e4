"""Fronts: processes before the platform's own that read HTTP and check signatures while many clients call at once.

    frames.py   what a front and the platform say to each other
    link.py     how: frames in batches over a Unix socket
    process.py  the front (`python -m lakemill.gateway.fronts.process`)
    running.py  one that runs, seen from the platform: what it forwards becomes requests
    fronts.py   all of them: starts them, gives them connections, ends them

The platform accepts every connection. One that calls a service of AWS JSON while many others are there is given away,
socket and all; from then on the front reads it, forwards its requests and sends the answers. It says what it found a
signature right with; that this is the key's secret is decided by the platform for each request, as all else is. A
front that knows no secret for a key forwards unchecked, and learns it with the answer.
"""

from lakemill.gateway.fronts.fronts import Fronts

__all__ = ["Fronts"]
