"""Writing an AWS profile: two sections in the files AWS tools read."""

import configparser
import os
from pathlib import Path

from lakemill.cli.target import Target
from lakemill.gateway.authority import write_private


def write_profile(name: str, target: Target) -> tuple[Path, Path]:
    """Set profile `name` in the config and credentials files; other profiles stay as they are."""
    config = Path(os.environ.get("AWS_CONFIG_FILE") or Path.home() / ".aws" / "config")
    credentials = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials")
    section = name if name == "default" else f"profile {name}"
    settings = {"region": target.region, "endpoint_url": target.endpoint}
    if target.endpoint.startswith("https"):
        settings["ca_bundle"] = str(target.data / "ca.pem")
    _set(config, section, settings)
    _set(credentials, name, {"aws_access_key_id": target.access_key_id, "aws_secret_access_key": target.secret})
    return config, credentials


def _set(path: Path, section: str, values: dict[str, str]) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    parser[section] = values
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for title in parser.sections():
        lines += [f"[{title}]", *(f"{key} = {value}" for key, value in parser[title].items()), ""]
    write_private(path, "\n".join(lines).encode())
