"""Arguments of a job, as its script asks for them.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-get-resolved-options.html
"""

import argparse

BOOKMARKS = ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable")
CONTINUATIONS = dict(
    zip(("continuation-enabled", "continuation-readonly", "continuation-ignored"), BOOKMARKS, strict=True)
)
ENCRYPTIONS = ("sse-s3", "sse-kms", "cse-kms")
RANGE = ("job-bookmark-from", "job-bookmark-to")
TEMPORARY = ("RedshiftTempDir", "TempDir")
RESERVED = {
    "job-bookmark-option": BOOKMARKS,
    "continuation-option": tuple(CONTINUATIONS),
    **dict.fromkeys((*RANGE, "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION")),
    "encryption-type": ENCRYPTIONS,
}
"""What the service says to itself, with the values it may have."""


class GlueArgumentError(Exception):
    """An argument is missing, or has a value it cannot have."""


class GlueArgumentParser(argparse.ArgumentParser):
    """One that raises."""

    def error(self, message):
        raise GlueArgumentError(message)


def getResolvedOptions(args, options):
    """The values of named arguments, all of which must be there.

    args: as in sys.argv. options: names without dashes. Beside those asked for, the answer has what concerns bookmarks
    and temporary folders. A dash in a name becomes an underscore.

    Raises GlueArgumentError for one that is missing, RuntimeError for a name that is reserved.

    >>> getResolvedOptions(["script.py", "--day", "2026-01-31", "--other", "1"], ["day"])["day"]
    '2026-01-31'
    """
    parser = GlueArgumentParser()
    for name, values in RESERVED.items():
        if name in options:
            raise RuntimeError(f"Using reserved arguments {name}")
        parser.add_argument(f"--{name}", choices=values)
    for name in TEMPORARY:
        parser.add_argument(f"--{name}")
    for name in options:
        if name not in TEMPORARY:
            parser.add_argument(f"--{name}", required=True)
    found = vars(parser.parse_known_args(args[1:])[0])
    temporary = found["TempDir"] if found["TempDir"] is not None else found["RedshiftTempDir"]
    found |= dict.fromkeys(TEMPORARY, temporary)
    continuation = found.pop("continuation_option")
    if found["job_bookmark_option"] is None:
        found["job_bookmark_option"] = CONTINUATIONS[continuation] if continuation else "job-bookmark-disable"
    _check_range(found)
    return found


def _check_range(found):
    """A pause has both ends of its range or none; without a pause there is none."""
    missing = [name for name in RANGE if found[name.replace("-", "_")] is None]
    if found["job_bookmark_option"] != "job-bookmark-pause":
        if not missing:
            raise RuntimeError(f"Invalid option(s) {' '.join(RANGE)}")
    elif len(missing) == 1:
        raise RuntimeError(f"Missing option or value for --{missing[0]}")
