"""Which lakemill a command talks to: its endpoint and root key, read from the data folder."""

import configparser
import dataclasses
from pathlib import Path
from typing import Any

import botocore.config
import botocore.session

from lakemill.cli.output import fail
from lakemill.settings import Settings


@dataclasses.dataclass(frozen=True)
class Target:
    """A lakemill as its clients see it."""

    endpoint: str
    region: str
    access_key_id: str
    secret: str
    data: Path

    def environment(self) -> dict[str, str]:
        """The variables AWS's SDKs and tools read."""
        trust = {"AWS_CA_BUNDLE": str(self.data / "ca.pem")} if self.endpoint.startswith("https") else {}
        return trust | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }

    def client(self, service: str, *, read_timeout: float = 60) -> Any:
        """A client of botocore's. read_timeout: seconds it waits for an answer."""
        session = botocore.session.Session()
        return session.create_client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret,
            config=botocore.config.Config(
                retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=read_timeout, proxies={}
            ),
            verify=str(self.data / "ca.pem") if self.endpoint.startswith("https") else None,
        )


def target(settings: Settings, *, port_given: bool = False) -> Target:
    """The lakemill of a data folder; ends the command with a hint if there never was one."""
    credentials = settings.data / "credentials"
    if not credentials.exists():
        fail(
            f"{settings.data} holds no lakemill",
            f"start one with: lakemill up --data {settings.data}   (or name its folder with --data or LAKEMILL_DATA)",
        )
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(credentials)
    endpoint_file = settings.data / "endpoint"
    if port_given or not endpoint_file.exists():
        endpoint = f"http://{settings.host}:{settings.port}"
    else:
        endpoint = endpoint_file.read_text().strip()
    return Target(
        endpoint=endpoint,
        region=settings.region,
        access_key_id=parser["default"]["aws_access_key_id"],
        secret=parser["default"]["aws_secret_access_key"],
        data=settings.data.resolve(),
    )
