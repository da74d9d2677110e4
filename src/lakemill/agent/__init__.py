"""The agent: follows files and sends what is appended to streams and delivery streams.

It reads the configuration file of the Amazon Kinesis Agent
(https://docs.aws.amazon.com/streams/latest/dev/writing-with-agents.html) and needs no JVM. It is a client like any
other: what it talks to may be lakemill or AWS.
"""

from lakemill.agent.config import AgentConfig, ConfigError, Flow, read_config
from lakemill.agent.run import Agent

__all__ = ["Agent", "AgentConfig", "ConfigError", "Flow", "read_config"]
