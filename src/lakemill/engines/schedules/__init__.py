"""When something is due: schedules as AWS writes them, in UTC."""

from lakemill.engines.schedules.cron import Cron, ScheduleWrong, parse

__all__ = ["Cron", "ScheduleWrong", "parse"]
