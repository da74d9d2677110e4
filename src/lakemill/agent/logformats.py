"""The log formats that LOGTOJSON knows: a pattern and the fields' names, as AWS's agent names them.

A line must match as a whole. "-" in an Apache log means that there is no value.
"""

import re

LogFormat = tuple[re.Pattern[str], tuple[str, ...]]

_ACCESS = (
    r"(?P<host>\S+) (?P<ident>\S+) (?P<authuser>\S+) \[(?P<datetime>[^\]]+)\] "
    r'"(?P<request>[^"]*)" (?P<response>\d{3}|-) (?P<bytes>\d+|-)'
)
_ERROR = (
    r"\[(?P<timestamp>[^\]]+)\] \[(?:(?P<module>[\w-]*):)?(?P<severity>\w+)\] "
    r"\[pid (?P<processid>\d+)(?::tid (?P<threadid>\d+))?\] \[client (?P<client>[^\]]+)\] (?P<message>.*)"
)
_PROGRAM = r"(?:<\d+\.\d+> )?(?P<hostname>\S+) (?P<program>[\w./%-]+)(?:\[(?P<processid>\d+)\])?: (?P<message>.*)"
_SYSLOG = r"(?P<timestamp>[A-Z][a-z]{2,8}\s+\d{1,2}\s+\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?) " + _PROGRAM
_RFC3339 = r"(?P<timestamp>\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)) " + _PROGRAM


def _format(pattern: str) -> LogFormat:
    compiled = re.compile(pattern, re.DOTALL)
    return compiled, tuple(compiled.groupindex)


LOG_FORMATS: dict[str, LogFormat] = {
    "COMMONAPACHELOG": _format(_ACCESS + ".*"),
    "COMBINEDAPACHELOG": _format(_ACCESS + r' "(?P<referer>[^"]*)" "(?P<agent>[^"]*)".*'),
    "APACHEERRORLOG": _format(_ERROR),
    "SYSLOG": _format(_SYSLOG),
    "RFC3339SYSLOG": _format(_RFC3339),
}
