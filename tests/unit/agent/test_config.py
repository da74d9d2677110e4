"""The agent's configuration file."""

import json

import pytest

from lakemill.agent import ConfigError, read_config
from lakemill.agent.config import parse_config

FLOW = {"filePattern": "/var/log/app.log*", "kinesisStream": "clicks"}


def test_defaults_are_those_of_awss_agent():
    config = parse_config({"flows": [FLOW]})
    flow = config.flows[0]
    assert (flow.buffer_age_ms, flow.buffer_bytes, flow.buffer_records, flow.poll_ms) == (60_000, 4 << 20, 500, 100)
    assert not flow.from_start and flow.random_keys and flow.truncated_terminator == b"\n"
    assert config.emit_metrics and config.kinesis_endpoint is None


def test_endpoints_without_a_scheme_are_https(tmp_path):
    path = tmp_path / "agent.json"
    path.write_text(json.dumps({"kinesis.endpoint": "kinesis.eu-west-1.amazonaws.com", "flows": [FLOW]}))
    assert read_config(path).kinesis_endpoint == "https://kinesis.eu-west-1.amazonaws.com"


def test_numbers_and_booleans_may_be_text():
    config = parse_config({"cloudwatch.emitMetrics": "false", "flows": [FLOW | {"maxBufferAgeMillis": "5000"}]})
    assert config.flows[0].buffer_age_ms == 5000
    assert not config.emit_metrics


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"maxBufferAgeMillis": 10},
            r"flows\[0\].maxBufferAgeMillis must be a whole number from 1000 to 900000; got 10",
        ),
        ({"deliveryStream": "x"}, "exactly one of kinesisStream and deliveryStream"),
        ({"initialPosition": "MIDDLE"}, "initialPosition must be END_OF_FILE or START_OF_FILE; got 'MIDDLE'"),
        ({"aggregatedRecordSizeBytes": 100}, "aggregatedRecordSizeBytes belongs to a flow to a deliveryStream"),
        ({"colour": "red"}, r"flows\[0\] has the key colour, which this agent does not honour"),
        ({"multiLineStartPattern": "("}, "missing \\), unterminated subpattern"),
        ({"dataProcessingOptions": [{"optionName": "ADDMETADATA"}]}, "optionName must be SINGLELINE, CSVTOJSON or"),
        ({"dataProcessingOptions": [{"optionName": "CSVTOJSON"}]}, "CSVTOJSON needs customFieldNames"),
        ({"dataProcessingOptions": [{"optionName": "LOGTOJSON", "logFormat": "X"}]}, "logFormat must be one of COMMON"),
    ],
)
def test_what_cannot_be_honoured_is_named(change, said):
    with pytest.raises(ConfigError, match=said):
        parse_config({"flows": [FLOW | change]})


def test_a_file_that_is_no_json_is_said(tmp_path):
    path = tmp_path / "agent.json"
    path.write_text("{")
    with pytest.raises(ConfigError, match="is not JSON"):
        read_config(path)
