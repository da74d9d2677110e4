"""A Kafka cluster: its topics, and producers and consumers for it."""

import logging
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

TIMEOUT_S = 30.0
_RECORD_BYTES_MAX = 16 << 20
_LOGGER = logging.getLogger("lakemill.kafka")


class Cluster:
    """Everything raises KafkaException. prefix: how names of topics begin; replicas: 0 for what the cluster allows."""

    def __init__(self, servers: str, prefix: str, replicas: int) -> None:
        self._prefix = prefix
        self._configuration: dict[str, Any] = {"bootstrap.servers": servers, "logger": _LOGGER}
        self._admin = AdminClient(self._configuration)
        found = self._admin.list_topics(timeout=TIMEOUT_S)
        self._replicas = replicas or min(3, len(found.brokers))
        self._has_complained = False
        self.topics = set(found.topics)
        """Names of the topics there were."""

    def new_producer(self) -> Producer:
        """A producer whose records are acknowledged by all in-sync replicas, in order, once."""
        return Producer(
            {
                **self._configuration,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 1,
                "message.max.bytes": _RECORD_BYTES_MAX,
                "message.timeout.ms": int(TIMEOUT_S * 1000),
            }
        )

    def new_consumer(self) -> Consumer:
        """A consumer of partitions that are assigned by hand."""
        return Consumer(
            {
                **self._configuration,
                "group.id": f"{self._prefix}.unused",  # Demanded, though partitions are assigned by hand.
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
                "fetch.message.max.bytes": _RECORD_BYTES_MAX,
                "queued.max.messages.kbytes": 32 << 10,
            }
        )

    def make_topic(self, topic: str, partitions: int, cleanup: str) -> None:
        """Make a topic that keeps what it gets; cleanup: delete or compact."""
        configuration = {
            "cleanup.policy": cleanup,
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "message.timestamp.type": "CreateTime",
            "max.message.bytes": str(_RECORD_BYTES_MAX),
            "min.insync.replicas": str(max(1, self._replicas - 1)),
        }
        made = NewTopic(topic, partitions, self._replicas, config=configuration)
        self._admin.create_topics([made], operation_timeout=TIMEOUT_S)[topic].result(TIMEOUT_S)

    def add_partitions(self, topic: str, partitions: int) -> None:
        wanted = [NewPartitions(topic, partitions)]
        self._admin.create_partitions(wanted, operation_timeout=TIMEOUT_S)[topic].result(TIMEOUT_S)

    def delete_topic(self, topic: str) -> None:
        self._admin.delete_topics([topic], operation_timeout=TIMEOUT_S)[topic].result(TIMEOUT_S)

    def delete_records(self, topic: str, firsts: list[int]) -> None:
        """Free the room of records before these positions, where the broker can."""
        before = [TopicPartition(topic, shard, first - 1) for shard, first in enumerate(firsts) if first > 1]
        try:
            for future in self._admin.delete_records(before, request_timeout=TIMEOUT_S).values():
                future.result(TIMEOUT_S)
        except KafkaException as error:  # They stay, unread. The next trim tries again.
            if not self._has_complained:
                self._has_complained = True
                _LOGGER.warning("trimmed records take room on: %s", error)
