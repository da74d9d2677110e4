import pytest

pytest.importorskip("confluent_kafka")

from lakemill.ports.log import kafka, kafka_cluster


@pytest.mark.parametrize("url", ["kafka://", "http://127.0.0.1:1", "kafka://127.0.0.1:1?prefixes=a"])
def test_a_url_that_says_nothing_useful_is_refused(url):
    with pytest.raises(ValueError, match="kafka://"):
        kafka.KafkaLog(url)


def test_a_cluster_that_does_not_answer_is_an_error_of_the_system(monkeypatch):
    monkeypatch.setattr(kafka_cluster, "TIMEOUT_S", 0.3)
    with pytest.raises(OSError, match="transport failure"):
        kafka.KafkaLog("kafka://127.0.0.1:1")


@pytest.mark.parametrize(("shards", "partitions"), [(0, 16), (1, 16), (16, 16), (17, 32), (100, 112)])
def test_topics_have_partitions_to_spare(shards, partitions):
    assert kafka._with_spare(shards) == partitions
