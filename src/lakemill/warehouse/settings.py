"""Settings of a session: what SET, RESET and SHOW know, and the defaults that a parameter group may give.

A name that stands here has an effect, or only one value that it can have; every other is refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lakemill.lakesql.errors import SqlFailed

Check = Callable[[str, str], str]


@dataclass(frozen=True)
class Setting:
    """default; check: the value as SHOW tells it, or SqlFailed 22023."""

    default: str
    check: Check
    reported: str = ""
    """The name under which clients are told of each change (ParameterStatus)."""


def _invalid(name: str, value: str) -> SqlFailed:
    return SqlFailed("22023", f'invalid value for parameter "{name}": "{value}"')


def _switch(name: str, value: str) -> str:
    if value.lower() in ("on", "true", "1", "yes", "t"):
        return "on"
    if value.lower() in ("off", "false", "0", "no", "f"):
        return "off"
    raise SqlFailed("22023", f'parameter "{name}" requires a Boolean value')


def _never(name: str, value: str) -> str:
    if _switch(name, value) != "off":
        raise SqlFailed("0A000", f'"{name}" can only be off')
    return "off"


def _number(least: int, most: int) -> Check:
    def check(name: str, value: str) -> str:
        if not re.fullmatch(r"-?\d+", value):
            raise SqlFailed("22023", f'parameter "{name}" requires an integer value')
        if not least <= int(value) <= most:
            raise SqlFailed("22023", f'{value} is outside the valid range for parameter "{name}" ({least} .. {most})')
        return value

    return check


def _one_of(*values: str) -> Check:
    def check(name: str, value: str) -> str:
        if value.lower() not in values:
            raise _invalid(name, value)
        return value.lower()

    return check


def _text(name: str, value: str) -> str:
    return value[:320]


def _encoding(name: str, value: str) -> str:
    if value.upper().replace("-", "").replace("_", "") not in ("UTF8", "UNICODE"):
        raise _invalid(name, value)
    return "UTF8"


def _milliseconds(name: str, value: str) -> str:
    return _number(0, 2147483647)(name, value)


def _date_style(name: str, value: str) -> str:
    words = {word for word in re.split(r"[,\s]+", value.lower()) if word}
    if not words or words - {"iso", "mdy"}:
        raise _invalid(name, value)
    return "ISO, MDY"


def _zone(name: str, value: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    known = {"default": "UTC", "local": "UTC", "z": "UTC", "zulu": "UTC"}.get(value.lower(), value)
    for candidate in (known, known.upper(), known.title()):
        try:
            ZoneInfo(candidate)
            return candidate
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    raise SqlFailed("22023", f'unrecognized time zone name: "{value}"')


SETTINGS: dict[str, Setting] = {
    "application_name": Setting("", _text, "application_name"),
    "client_encoding": Setting("UTF8", _encoding, "client_encoding"),
    "client_min_messages": Setting("notice", _one_of("debug", "log", "notice", "warning", "error")),
    "datestyle": Setting("ISO, MDY", _date_style, "DateStyle"),
    "default_transaction_isolation": Setting("serializable", _one_of("serializable")),
    "default_transaction_read_only": Setting("off", _one_of("off")),
    "enable_case_sensitive_identifier": Setting("off", _switch),
    "enable_result_cache_for_session": Setting("off", _never),
    "extra_float_digits": Setting("0", _number(-15, 2)),
    "integer_datetimes": Setting("on", _one_of("on"), "integer_datetimes"),
    "intervalstyle": Setting("postgres", _one_of("postgres")),
    "max_cursor_result_set_size": Setting("0", _one_of("0")),
    "query_group": Setting("default", _text),
    "search_path": Setting('"$user", public', _text),
    "server_encoding": Setting("UTF8", _encoding, "server_encoding"),
    "server_version": Setting("8.0.2", _one_of("8.0.2"), "server_version"),
    "standard_conforming_strings": Setting("on", _one_of("on"), "standard_conforming_strings"),
    "statement_timeout": Setting("0", _milliseconds),
    "timezone": Setting("UTC", _zone, "TimeZone"),
    "transaction_isolation": Setting("serializable", _one_of("serializable")),
    "transaction_read_only": Setting("off", _one_of("off")),
    "wlm_query_slot_count": Setting("1", _one_of("1")),
}
FIXED = {"server_version", "server_encoding", "integer_datetimes", "standard_conforming_strings"}
"""Those that SET may not change."""


class Settings:
    """The values of a session; those of a transaction can be taken back."""

    def __init__(self, defaults: dict[str, str]) -> None:
        self._defaults = {name: setting.default for name, setting in SETTINGS.items()}
        for name, value in defaults.items():
            if name.lower() in SETTINGS and name.lower() not in FIXED:
                self._defaults[name.lower()] = _checked(name.lower(), value)
        self._values: dict[str, str] = {}
        self._before: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        """The value; KeyError for a name that there is not."""
        name = name.lower()
        return self._values[name] if name in self._values else self._defaults[name]

    def get(self, name: str) -> str | None:
        """The value, None for a name that there is not."""
        return self[name] if name.lower() in self._defaults or name.lower() in self._values else None

    def set(self, name: str, value: str) -> None:
        """Raises SqlFailed: 42704 for a name that there is not, 22023 for a value that cannot be, 55P02."""
        name = name.lower()
        if name in FIXED:
            raise SqlFailed("55P02", f'parameter "{name}" cannot be changed')
        self._keep()
        self._values[name] = _checked(name, value)

    def checked(self, name: str, value: str) -> str:
        """The value as SHOW would tell it. Raises SqlFailed as `set` does."""
        return _checked(name.lower(), value)

    def reset(self, name: str) -> None:
        """Back to the default. Raises SqlFailed 42704."""
        _known(name.lower())
        self._keep()
        self._values.pop(name.lower(), None)

    def reset_all(self) -> None:
        """All back to their defaults."""
        self._keep()
        self._values = {}

    def commit(self) -> None:
        """What was set stays."""
        self._before = None

    def rollback(self) -> None:
        """What was set since the last commit is taken back."""
        if self._before is not None:
            self._values, self._before = self._before, None

    def all(self) -> dict[str, str]:
        """Every name with its value."""
        return self._defaults | self._values

    def reported(self) -> dict[str, str]:
        """What clients are told, by the names they know."""
        return {setting.reported: self[name] for name, setting in SETTINGS.items() if setting.reported}

    def _keep(self) -> None:
        if self._before is None:
            self._before = dict(self._values)


def _known(name: str) -> Setting:
    if "." in name:  # A variable of the session's own.
        return Setting("", _text)
    if name not in SETTINGS:
        raise SqlFailed("42704", f'unrecognized configuration parameter "{name}"')
    return SETTINGS[name]


def _checked(name: str, value: str) -> str:
    return _known(name).check(name, value)


def check_defaults(defaults: dict[str, str]) -> None:
    """Raises SqlFailed for a value that cannot be; names of a parameter group that are no settings are let through."""
    Settings(defaults)
