"""Files that become Parquet: JSON with choices, CSV, XML, logs by grok, ORC."""

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest

from lakemill.glueetl import jsonfiles, textfiles


@pytest.fixture
def read(tmp_path):
    """(schema, rows) of texts that a reader reads."""

    def read(reader, *texts):
        files = []
        for number, text in enumerate(texts):
            files.append(tmp_path / f"{number}.txt")
            files[-1].write_text(text)
        schema = reader(files, tmp_path / "rows.parquet")
        kinds = {field.name: field.dataType.typeName() for field in schema}
        return kinds, pa.parquet.read_table(tmp_path / "rows.parquet").to_pylist()

    return read


def json(path=None):
    return lambda files, target: jsonfiles.convert(files, path, target)


def csv(**options):
    return lambda files, target: textfiles.csv(files, options, target)


def test_fields_that_differ_between_records_are_choices(read):
    kinds, rows = read(json(), '{"id": 1, "price": 2}\n{"id": "b"}\n', '{"id": 3, "price": 1.5, "new": true}\n')
    assert kinds == {"id": "choice", "price": "choice", "new": "boolean"}
    assert [row["id"] for row in rows] == [
        {"int": 1, "string": None},
        {"int": None, "string": "b"},
        {"int": 3, "string": None},
    ]
    assert [row["price"] for row in rows] == [{"int": 2, "double": None}, None, {"int": None, "double": 1.5}]


def test_an_integer_is_as_wide_as_it_must_be(read):
    kinds, rows = read(json(), '{"small": 2147483647, "large": 2147483648}\n')
    assert kinds == {"small": "int", "large": "long"}
    assert rows == [{"small": 2147483647, "large": 2147483648}]


def test_elements_of_one_array_may_differ(read):
    kinds, rows = read(json(), '{"m": [1, "a", {"z": 2}], "e": [], "o": {}}')
    assert kinds == {"m": "array", "e": "array", "o": "string"}
    assert rows[0]["m"][2] == {"int": None, "string": None, "struct": {"z": 2}}


@pytest.mark.parametrize(
    ("path", "text", "rows"),
    [
        (None, '[{"a": 1},\n {"a": 2}]', [{"a": 1}, {"a": 2}]),
        (None, '{"a": 1,\n"b.c": "it\'s"}\n{"a": 2}', [{"a": 1, "b.c": "it's"}, {"a": 2, "b.c": None}]),
        ("$.rows[*]", '{"rows": [{"a": 1}, {"a": 2}]}', [{"a": 1}, {"a": 2}]),
        ("$.one", '{"one": {"a": 1}}', [{"a": 1}]),
    ],
)
def test_records_are_found_in_documents(read, path, text, rows):
    assert read(json(path), text)[1] == rows


def test_what_is_no_json_is_said(read):
    with pytest.raises(ValueError, match=r"The JSON cannot be read: .*Malformed JSON"):
        read(json(), '{"a": 1')


@pytest.mark.parametrize(
    ("options", "text", "rows"),
    [
        ({"withHeader": True}, 'a,b\n1,"x,""y"\n2,\n3\n', [["1", 'x,"y'], ["2", ""], ["3", None]]),
        ({"withHeader": "true"}, 'a,b\n1,"x\ny"\n', [["1", "x\ny"]]),
        ({}, "1,2\n", [["1", "2"]]),
        ({"withHeader": True, "separator": "|", "quoteChar": "-1"}, 'a|b\n1|"2\n', [["1", '"2']]),
        ({"withHeader": True, "escaper": "\\"}, 'a,b\n1,"2\\"x"\n', [["1", '2"x']]),
        ({"withHeader": True, "skipFirst": True}, "about\na,b\n1,2\n", [["1", "2"]]),
        ({"withHeader": True}, "a,b\n", []),
    ],
)
def test_csv_is_text(read, options, text, rows):
    kinds, found = read(csv(**options), text)
    assert set(kinds.values()) == {"string"}
    assert [list(row.values()) for row in found] == rows
    assert list(kinds) == (["a", "b"] if options.get("withHeader") else ["col0", "col1"])


def test_elements_of_xml_are_records(read):
    text = '<all><x id="1"><n>a</n><t>1</t><t>2</t></x><x id="2"><n k="z">b</n></x></all>'
    kinds, rows = read(lambda files, target: textfiles.xml(files, {"rowTag": "x"}, target), text)
    assert kinds == {"_id": "int", "n": "choice", "t": "array"}
    assert rows[1]["n"]["struct"] == {"_k": "z", "_VALUE": "b"}
    with pytest.raises(ValueError, match="needs the option rowTag"):
        textfiles.xml([], {}, None)


def test_lines_of_logs_are_records(read):
    options = {"logFormat": "%{IP:client} %{NUMBER:size}"}
    _, rows = read(lambda files, target: textfiles.grok(files, options, target), "10.0.0.1 7\nnothing\n")
    assert rows == [{"client": "10.0.0.1", "size": "7"}]


def test_orc_goes_there_and_back(tmp_path):
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    textfiles.to_orc(tmp_path / "a.parquet", tmp_path / "a.orc", "snappy")
    assert pa.orc.read_table(tmp_path / "a.orc").equals(table)
    textfiles.orc([tmp_path / "a.orc", tmp_path / "a.orc"], tmp_path / "b.parquet")
    assert pa.parquet.read_table(tmp_path / "b.parquet").num_rows == 4
