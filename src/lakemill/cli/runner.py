"""`lakemill run`: a program in an environment in which AWS is lakemill."""

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from lakemill.cli.door import Door
from lakemill.cli.output import fail
from lakemill.cli.target import Target
from lakemill.gateway.authority import Authority

BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


async def run_program(command: list[str], target: Target, environment: dict[str, str]) -> int:
    """Run it to its end; its exit code (128 + number for a signal, as shells have it)."""
    if shutil.which(command[0]) is None:
        fail(f"there is no program {command[0]}", code=127)
    authority = Authority(target.data)
    place = urlsplit(target.endpoint)
    door = Door(
        authority,
        (place.hostname or "127.0.0.1", place.port or 4566),
        tls=place.scheme == "https",
        upstream=environment.get("HTTPS_PROXY") or environment.get("https_proxy"),
    )
    await door.open()
    with tempfile.TemporaryDirectory(prefix="lakemill-run-") as folder:
        bundle = _bundle(Path(folder), authority, environment)
        proxy = f"http://127.0.0.1:{door.port}"
        here = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": _no_proxy(environment)}
        here["no_proxy"] = here["NO_PROXY"]
        here |= dict.fromkeys(BUNDLES, str(bundle))
        # A session token or profile of the outer world would win over, or not fit, the key that is set here.
        outer = {k: v for k, v in environment.items() if k not in ("AWS_SESSION_TOKEN", "AWS_PROFILE")}
        process = await asyncio.create_subprocess_exec(*command, env=outer | target.environment() | here)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            if os.name == "posix":
                loop.add_signal_handler(number, _pass_on, process, number)
        code = await process.wait()
    await door.close()
    return 128 - code if code < 0 else code


def _pass_on(process: asyncio.subprocess.Process, number: int) -> None:
    if process.returncode is None:
        process.send_signal(number)


def _bundle(folder: Path, authority: Authority, environment: dict[str, str]) -> Path:
    """The certificates that were trusted before, and ours."""
    trusted = b""
    for name in BUNDLES:
        if (given := environment.get(name)) and Path(given).is_file():
            trusted = Path(given).read_bytes()
            break
    else:
        import botocore

        trusted = (Path(botocore.__file__).parent / "cacert.pem").read_bytes()
    path = folder / "bundle.pem"
    path.write_bytes(trusted + b"\n" + authority.certificate_path.read_bytes())
    return path


def _no_proxy(environment: dict[str, str]) -> str:
    before = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    return ",".join(filter(None, (before, "127.0.0.1", "localhost")))
