"""Every setting, once: name, type, default, sentence.

From here come the environment variables (`LAKEMILL_PORT`), the options of `lakemill up` (`--port`) and the page
docs/reference/settings.md.
"""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal


def _setting(default: Any, doc: str) -> Any:
    return dataclasses.field(default=default, metadata={"doc": doc})


@dataclasses.dataclass(frozen=True)
class Settings:
    """How one lakemill runs."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(4566, "Port to listen on; 0 takes a free one.")
    data: Path = _setting(Path("lakemill-data"), "Folder that holds everything lakemill keeps.")
    auth: Literal["on", "soft", "off"] = _setting(
        "on",
        "on: signatures are verified and permissions decided; soft: what would be denied is only logged; off: neither.",
    )
    tls: bool = _setting(False, "Serve HTTPS with a certificate of lakemill's own authority (DATA/ca.pem).")
    region: str = _setting("us-east-1", "Region of requests that name none, and of `lakemill env`.")
    account: str = _setting("000000000000", "Account id, 12 digits, of the root key made at the first start.")
    stream_limits: Literal["on", "off"] = _setting(
        "on",
        "on: a shard takes 1 MiB and 1,000 records a second and gives 2 MiB, as on AWS; off: as much as the disk can.",
    )
    stream_settle_ms: int = _setting(
        0, "Milliseconds for which a stream that was made or changed looks unfinished; seconds on AWS."
    )
    log_url: str = _setting(
        "", "Where records of streams are kept: empty for files in DATA/log, or kafka://host:port[,host:port]."
    )
    queries_at_once: int = _setting(4, "SQL statements of one account that run at once; others wait for their turn.")
    query_memory_mib: int = _setting(2048, "MiB of memory for each SQL statement that runs.")
    queries_url: str = _setting(
        "",
        "What runs Athena's queries: empty for processes of this machine, or a cluster of Trino, "
        "trino://host[:port]/catalog or trino+https://...",
    )
    warehouse_memory_mib: int = _setting(2048, "MiB of memory for each cluster or workgroup of Redshift.")
    flink_python: str = _setting(
        "",
        "Programs of Python that have PyFlink, with commas between; empty looks for bin/python in "
        "~/.local/share/lakemill/flink* and in .venvs/flink* beside lakemill's environment.",
    )
    spark_python: str = _setting(
        "",
        "Program of Python that has PySpark, for Spark jobs that need Java; empty looks for bin/python in "
        "~/.local/share/lakemill/spark* and in .venvs/spark* beside lakemill's environment.",
    )
    fronts: int = _setting(
        1,
        "Processes that read HTTP and check signatures for the platform while many clients call at once; 0 for none. "
        "With TLS none is used.",
    )
    log_format: Literal["text", "json"] = _setting("text", "Form of the request log.")
    log_requests: bool = _setting(True, "Write one line per request to standard error.")

    @property
    def flink_programs(self) -> list[Path]:
        """`flink_python` as paths."""
        return [Path(one.strip()) for one in self.flink_python.split(",") if one.strip()]

    @property
    def spark_programs(self) -> list[Path]:
        """`spark_python` as paths."""
        return [Path(self.spark_python.strip())] if self.spark_python.strip() else []

    @property
    def address(self) -> str:
        """The host under which clients of this machine find it."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def endpoint(self) -> str:
        """Where clients of this machine find it, once `port` is a real one."""
        host = self.address
        return f"{'https' if self.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def __post_init__(self) -> None:
        if not (len(self.account) == 12 and self.account.isdigit()):
            raise SettingError("account", "12 digits", self.account)
        if not 0 <= self.port <= 65535:
            raise SettingError("port", "between 0 and 65535", self.port)
        for name, least in (
            ("fronts", 0),
            ("queries_at_once", 1),
            ("query_memory_mib", 128),
            ("warehouse_memory_mib", 128),
        ):
            if getattr(self, name) < least:
                raise SettingError(name, f"at least {least}", getattr(self, name))
        for name, allowed in (
            ("auth", ("on", "soft", "off")),
            ("log_format", ("text", "json")),
            ("stream_limits", ("on", "off")),
        ):
            if getattr(self, name) not in allowed:
                raise SettingError(name, f"one of {', '.join(allowed)}", getattr(self, name))


class SettingError(ValueError):
    """A setting that makes no sense. Fields: name, must, got."""

    def __init__(self, name: str, must: str, got: Any) -> None:
        super().__init__(f"setting {name} (LAKEMILL_{name.upper()}) must be {must}; got {got!r}")
        self.name, self.must, self.got = name, must, got


def variable(name: str) -> str:
    """The environment variable of a setting.

    >>> variable("log_format")
    'LAKEMILL_LOG_FORMAT'
    """
    return f"LAKEMILL_{name.upper()}"


def load(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from what was given, else the environment, else the defaults. Raises SettingError.

    >>> load({"LAKEMILL_PORT": "9000"}, auth="soft").port
    9000
    """
    environment = os.environ if environment is None else environment
    values = {}
    for field in dataclasses.fields(Settings):
        if given.get(field.name) is not None:
            values[field.name] = given[field.name]
        elif text := environment.get(variable(field.name)):
            values[field.name] = _typed(field.name, type(field.default), text)
    return Settings(**values)


def _typed(name: str, kind: type, text: str) -> Any:
    if kind is bool:
        if text.lower() not in ("1", "true", "yes", "0", "false", "no"):
            raise SettingError(name, "true or false", text)
        return text.lower() in ("1", "true", "yes")
    if kind is int:
        if not text.isdigit():
            raise SettingError(name, "a number", text)
        return int(text)
    return Path(text) if issubclass(kind, Path) else text
