"""What can go wrong with crawlers.

CrawlingError
    CrawlerRunning        it runs already, so it cannot be started, changed or deleted
    CrawlerNotRunning     there is nothing to stop
    CrawlerStopping       it is being stopped already
    NoSchedule            it has none that could be started
    SchedulerRunning      its schedule is in force already
    SchedulerNotRunning   its schedule is not in force
    GlobInvalid           not a pattern of names
    CrawlFailed           a crawl cannot go on; the sentence says why
"""


class CrawlingError(Exception):
    """Base. Field: name, of the crawler."""

    sentence = "{name}"

    def __init__(self, name: str) -> None:
        super().__init__(self.sentence.format(name=name))
        self.name = name


class CrawlerRunning(CrawlingError):
    sentence = "Crawler with name {name} has already started"


class CrawlerNotRunning(CrawlingError):
    sentence = "Crawler with name {name} isn't running"


class CrawlerStopping(CrawlingError):
    sentence = "Crawler with name {name} is already stopping"


class NoSchedule(CrawlingError):
    sentence = "Crawler with name {name} has no schedule"


class SchedulerRunning(CrawlingError):
    sentence = "The schedule of crawler {name} is already running"


class SchedulerNotRunning(CrawlingError):
    sentence = "The schedule of crawler {name} is not running"


class GlobInvalid(CrawlingError):
    """A sentence says what."""


class CrawlFailed(CrawlingError):
    """A sentence says why."""
