"""What can go wrong with crawlers.

CrawlingError
    CrawlerRunning        it runs already, so it cannot be started, changed or deleted
    CrawlerNotRunning     there is nothing to stop
    CrawlerStopping       it is being stopped already
    NoSchedule            it has none that could be started
    SchedulerRunning      its schedule is in force already
    SchedulerNotRunning   its schedule is not in force
    GlobInvalid           not a pattern of names
    CrawlFailed           a crawl cannot go on
"""


class CrawlingError(Exception):
    """Base. The text can be shown to the user."""


class CrawlerRunning(CrawlingError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Crawler with name {name} has already started")
        self.name = name


class CrawlerNotRunning(CrawlingError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Crawler with name {name} isn't running")
        self.name = name


class CrawlerStopping(CrawlingError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Crawler with name {name} is already stopping")
        self.name = name


class NoSchedule(CrawlingError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Crawler with name {name} has no schedule")
        self.name = name


class SchedulerRunning(CrawlingError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The schedule of crawler {name} is already running")
        self.name = name


class SchedulerNotRunning(CrawlingError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The schedule of crawler {name} is not running")
        self.name = name


class GlobInvalid(CrawlingError):
    """A sentence says what."""


class CrawlFailed(CrawlingError):
    """A sentence says why."""
