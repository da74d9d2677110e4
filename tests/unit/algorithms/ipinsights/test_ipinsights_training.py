"""The built-in face: lines in, log lines and artifact out."""

import re
import threading
import zipfile

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lakemill.algorithms.contract import SingleHost
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.ipinsights import trainer as training
from lakemill.algorithms.ipinsights.discrimination import Discrimination
from lakemill.algorithms.ipinsights.events import Events
from lakemill.algorithms.ipinsights.identity import entity_rows
from lakemill.algorithms.ipinsights.spec import SPEC
from lakemill.algorithms.ipinsights.text import Pairs
from lakemill.algorithms.ipinsights.train import Training
from lakemill.formats import mxnet
from lakemill.formats.errors import FormatError
from tests.unit.algorithms.ipinsights.conftest import foreign, lines, log_ins
from tests.unit.algorithms.trainings import Killed, on_hosts


def figures(name, text):
    regex = next(metric.regex for metric in SPEC.metrics if metric.name == name)
    return [float(found) for found in re.findall(regex, text)]


def rows(users, count=200):
    return entity_rows((f"user_{one}".encode() for one in users), count)


def area(model, seed=5):
    """Of log-ins that were not learned from, against those of the same users at others' networks."""
    scores = [model.scores(rows(users), addresses) for users, addresses in (log_ins(2000, seed), foreign(2000, seed))]
    return roc_auc_score(np.repeat([1, 0], [len(one) for one in scores]), np.concatenate(scores))


@pytest.fixture(scope="module")
def history():
    return lines(*log_ins(4000, 1))


@pytest.fixture(scope="module")
def later():
    return lines(*log_ins(500, 2))


def test_it_tells_own_networks_from_others(run_training, history):
    done = run_training(history, epochs=10)
    assert area(done.model) > 0.97


def test_the_log_tells_what_the_built_in_tells(run_training, history, later):
    text = run_training(history, later, epochs=3, batch_metrics_publish_interval=5).text
    accuracy, entropy = (
        figures("train:binary_classification_accuracy", text),
        figures("train:binary_classification_cross_entropy", text),
    )
    assert len(accuracy) == len(entropy) == 3 * 4  # Batches 0, 5, 10 and 15 of 20.
    # Before anything is learned every score is near 0: log odds of one half.
    assert entropy[0] == pytest.approx(np.log(2), abs=0.01)
    by_epoch = figures("train:binary_classification_cross_entropy:epoch", text)
    assert len(by_epoch) == 3 and by_epoch[0] > by_epoch[1] > by_epoch[2]
    assert figures("train:binary_classification_accuracy:epoch", text)[2] > 0.8
    areas = figures("validation:discriminator_auc", text)
    assert len(areas) == 3 and areas[2] > 0.95
    assert re.search(
        r"Epoch\[0\] Batch \[5\]\tSpeed: \d+\.\d\d samples/sec\tbinary_classification_accuracy=\d\.\d+\t"
        r"binary_classification_cross_entropy=\d\.\d+", text
    )  # fmt: skip
    assert re.search(r"Epoch\[2\] Train-binary_classification_accuracy=0\.\d{6}", text)


def test_reported_loss_and_gradients_are_those_of_torch(history):
    """One step by hand: the pairs the kernel makes, their loss and the direction in which the tables go."""
    torch = pytest.importorskip("torch")
    from lakemill.algorithms.ipinsights import kernels

    random = np.random.default_rng(0)
    n, d, drawn_places, shifts = 9, 5, random.integers(0, 6, (9, 3)).astype(np.int32), np.int64([2, 4])
    entities, nodes = np.int32([0, 1, 2, 0, 1, 2, 3, 3, 0]), random.integers(0, 6, n).astype(np.int32)
    e, v = (random.normal(size=(size, d)).astype(np.float32) for size in (4, 6))
    e_gradients, v_gradients = np.zeros_like(e), np.zeros_like(v)
    loss, right, count = kernels.pairs(
        entities, nodes, drawn_places, shifts, e, v, e_gradients, v_gradients, np.float32(1 / n)
    )
    listed = []
    for i in range(n):
        listed.append((entities[i], nodes[i], 1.0))
        listed += [(entities[i], place, 0.0) for place in drawn_places[i]]
        others = [(i + shift) % n for shift in shifts]
        listed += [(entities[i], nodes[other], 0.0) for other in others if entities[other] != entities[i]]
    assert len(listed) == count < n * 6
    one, two = torch.tensor(e, requires_grad=True), torch.tensor(v, requires_grad=True)
    scores = (one[[a for a, _, _ in listed]] * two[[b for _, b, _ in listed]]).sum(1)
    labels = torch.tensor([label for _, _, label in listed])
    total = torch.nn.functional.binary_cross_entropy_with_logits(scores, labels, reduction="sum")
    (total / n).backward()
    assert loss == pytest.approx(total.item(), rel=1e-5)
    assert right == int(((scores > 0) == (labels > 0)).sum())
    np.testing.assert_allclose(e_gradients, one.grad.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(v_gradients, two.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_data_in_the_order_of_users_are_learned_as_well_as_shuffled_ones(run_training):
    users, addresses = log_ins(4000, 1)
    order = np.argsort(users, kind="stable")
    shuffled = run_training(lines(users, addresses), epochs=8, name="shuffled").model
    ordered = run_training(lines(users[order], addresses[order]), epochs=8, name="ordered").model
    assert area(ordered) > area(shuffled) - 0.01


@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize(("random", "shuffled"), [(1, 1), (5, 0), (0, 3)])
def test_layers_and_negatives_of_all_kinds_learn(run_training, history, layers, random, shuffled):
    done = run_training(
        history, num_ip_encoder_layers=layers, random_negative_sampling_rate=random,
        shuffled_negative_sampling_rate=shuffled, epochs=6,
    )  # fmt: skip
    model, (users, addresses) = done.model, log_ins(2000, 5)
    assert len(model.layers) == layers
    even = np.random.default_rng(0).integers(0, 1 << 32, 2000, np.uint32)
    seen, unseen = model.scores(rows(users), addresses), model.scores(rows(users), even)
    if random:
        assert roc_auc_score(np.repeat([1, 0], 2000), np.concatenate([seen, unseen])) > 0.95
    if shuffled:
        assert area(model) > 0.9


def test_more_weight_decay_makes_smaller_vectors(run_training, history):
    sizes = [
        np.linalg.norm(run_training(history, weight_decay=decay, name=f"decay{decay}").model.prefix_vectors)
        for decay in (0, 0.001, 0.1)
    ]
    assert sizes[0] > sizes[1] > sizes[2]


def test_an_entity_that_was_never_seen_is_an_average_one(run_training, history):
    model = run_training(history, num_entity_vectors=100_000).model
    unseen, known = rows(["nobody", "anybody"], 100_000), rows(range(60), 100_000)
    vectors = model.entity_embeddings(unseen)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    _, addresses = log_ins(500, 9)
    used = model.scores(np.repeat(unseen[:1], 500), addresses)
    never = model.scores(np.repeat(unseen[:1], 500), np.random.default_rng(0).integers(0, 1 << 32, 500, np.uint32))
    assert np.median(used) > np.median(never)  # An address that anyone uses is likelier than one nobody uses.
    assert len(model.entity_rows) == len(np.unique(known))


def test_two_trainings_agree_to_the_last_byte(run_training, history):
    first, second = (run_training(history, name=name).path.read_bytes() for name in ("one", "two"))
    assert first == second


def test_the_artifact_is_a_zip_of_meta_and_params(run_training, history):
    with zipfile.ZipFile(run_training(history).path) as packed:
        assert packed.namelist() == ["meta.json", "params"]
        arrays = mxnet.decode(packed.read("params"))
    assert arrays["entity_vectors"].shape == (len(arrays["entity_rows"]), 16)
    assert arrays["layer0_weight"].shape == (16, 16)


def test_a_mini_batch_of_too_many_pairs_is_taken_in_steps(run_training, history, monkeypatch):
    monkeypatch.setattr(training, "PAIRS_MAX", 300)
    done = run_training(history, epochs=6)
    assert "steps take 100 events" in done.text
    assert area(done.model) > 0.9


class TestInterruptions:
    def test_killed_behind_any_batch_it_gives_the_same_model(self, tmp_path, run_training, history, later, monkeypatch):
        whole = run_training(history, later, name="whole")
        for left in (1, 7, 20, 33):

            def behind(self, tally, left=[left], original=Training._behind):  # noqa: B006
                original(self, tally)
                left[0] -= 1
                if left[0] < 0:
                    raise Killed

            kept = tmp_path / f"kept{left}"
            with monkeypatch.context() as patched, pytest.raises(Killed):
                patched.setattr(Training, "_behind", behind)
                run_training(history, later, name=f"killed{left}", checkpoints=kept)
            again = run_training(history, later, name=f"killed{left}", checkpoints=kept)
            assert "Resuming from the checkpoint of step" in again.text
            assert again.path.read_bytes() == whole.path.read_bytes()
            assert (
                whole.text.endswith(again.text[-200:])
                or figures("validation:discriminator_auc", again.text)
                == figures("validation:discriminator_auc", whole.text)[
                    -len(figures("validation:discriminator_auc", again.text)) :
                ]
            )

    def test_a_checkpoint_of_other_data_is_refused(self, tmp_path, run_training, history):
        run_training(history, name="first", checkpoints=tmp_path / "kept")
        with pytest.raises(CustomerError, match="on 4000 events, and the train channel holds 4001"):
            run_training(history + b"u,1.2.3.4\n", name="second", checkpoints=tmp_path / "kept")

    def test_a_finished_training_begun_again_is_the_same(self, tmp_path, run_training, history):
        first = run_training(history, name="first", checkpoints=tmp_path / "kept")
        again = run_training(history, name="again", checkpoints=tmp_path / "kept")
        assert first.path.read_bytes() == again.path.read_bytes()

    def test_a_stopped_training_leaves_what_it_has_learned(self, run_training, history, later):
        stopping = threading.Event()
        stopping.set()
        done = run_training(history, later, stopping=stopping)
        assert "Stopping early" in done.text and len(figures("validation:discriminator_auc", done.text)) == 1
        assert done.model is not None


class TestHosts:
    def test_two_hosts_learn_as_well_as_one(self, run_training, history, later):
        listed = history.splitlines(keepends=True)
        halves = [b"".join(listed[rank::2]) for rank in range(2)]
        tests = [b"".join(later.splitlines(keepends=True)[rank::2]) for rank in range(2)]
        alone = run_training(history, later, name="alone", epochs=10)
        found = on_hosts(
            2,
            lambda one: run_training(halves[one.rank], tests[one.rank], name=f"h{one.rank}", epochs=10, collective=one),
        )
        assert found[1].model is None  # The first host writes.
        assert area(found[0].model) > area(alone.model) - 0.02
        areas = [figures("validation:discriminator_auc", one.text.replace("algo-2", "algo-1")) for one in found]
        assert areas[0] == areas[1] and areas[0][-1] > figures("validation:discriminator_auc", alone.text)[-1] - 0.02

    def test_a_host_without_records_changes_nothing_but_the_seed(self, run_training, history):
        found = on_hosts(
            2, lambda one: run_training([history] if one.rank else [], name=f"h{one.rank}", epochs=10, collective=one)
        )
        assert area(found[0].model) > 0.95

    def test_hosts_that_all_read_everything_count_it_once(self, run_training, history):
        alone = run_training(history, name="alone")
        found = on_hosts(2, lambda one: run_training(history, name=f"h{one.rank}", collective=one))
        assert len(found[0].model.tree) == len(alone.model.tree)
        assert area(found[0].model) > area(alone.model) - 0.02

    def test_killed_between_epochs_hosts_go_on_to_the_same_model(self, tmp_path, run_training, history, monkeypatch):
        listed = history.splitlines(keepends=True)
        halves = [b"".join(listed[rank::2]) for rank in range(2)]

        def train(name):
            return on_hosts(2, lambda one: run_training(
                halves[one.rank], name=f"{name}{one.rank}", collective=one, checkpoints=tmp_path / "kept" / name,
            ))  # fmt: skip

        whole = train("whole")
        original = Training._save

        def save(self):
            original(self)
            if self.epoch == 2:
                raise Killed

        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(Training, "_save", save)
            train("killed")
        again = train("killed")
        assert again[0].path.read_bytes() == whole[0].path.read_bytes()
        assert "Resuming" in again[0].text


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"random_negative_sampling_rate": 0, "shuffled_negative_sampling_rate": 0}, "must add up to 1 at least"),
            ({"random_negative_sampling_rate": 300, "shuffled_negative_sampling_rate": 201}, "500 at most; got 501"),
            ({"num_entity_vectors": 250_000_000, "vector_dim": 128}, "a model of 8 GB"),
        ],
    )
    def test_hyperparameters_that_do_not_go_together(self, given, says):
        typed = {name: str(one) for name, one in {"num_entity_vectors": 10, "vector_dim": 8, **given}.items()}
        with pytest.raises(CustomerError, match=says):
            SPEC.validate(typed)

    def test_no_records(self, run_training, history):
        with pytest.raises(CustomerError, match="The train channel holds no records"):
            run_training(b"\n \n")
        with pytest.raises(CustomerError, match="The validation channel holds no records"):
            run_training(history, b"\n")

    def test_bad_line(self, run_training, history):
        with pytest.raises(FormatError, match=r"model-train-1.csv: line 4001: '1.2.3' is no IPv4 address"):
            run_training([history, history + b"u,1.2.3\n"])

    @pytest.mark.parametrize("parameters", [{"label_size": "1"}, {"charset": "latin-1"}, {"header": "present"}])
    def test_parameters_of_the_content_type(self, run_training, history, parameters):
        with pytest.raises(CustomerError, match="of channel train has no meaning for IP Insights"):
            run_training(history, parameters=parameters)

    def test_a_learning_rate_that_diverges(self, run_training, history):
        with pytest.raises(CustomerError, match="smaller learning_rate"):
            run_training(history, learning_rate=10, num_ip_encoder_layers=100, epochs=3)

    @pytest.mark.parametrize("body", [b"u,1.2.3.4\n", b"u,1.2.3.4\n" * 50, b"u,1.2.3.4\nv,1.2.3.4\n"])
    def test_few_or_equal_records_are_learned_nevertheless(self, run_training, body):
        assert np.isfinite(run_training(body).model.prefix_vectors).all()


def test_every_epoch_has_every_event_once_in_another_order():
    pairs = Pairs(np.arange(5000, dtype=np.int32), np.arange(5000, dtype=np.uint32))
    for events in (Events.of(pairs), Events.gather([pairs])):
        orders = [
            np.concatenate([one.entities for one in events.batches(300, np.random.default_rng(seed))])
            for seed in (1, 2)
        ]
        assert all(sorted(one) == list(range(5000)) for one in orders)
        assert (orders[0] != orders[1]).mean() > 0.99
        rest = [one.entities for one in events.batches(300, np.random.default_rng(1), skipped=4)]
        np.testing.assert_array_equal(np.concatenate(rest), orders[0][1200:])
        assert [len(one) for one in rest] == [300] * 12 + [200]


def test_events_of_several_pools_are_shuffled_too(monkeypatch):
    from lakemill.algorithms.ipinsights import events

    monkeypatch.setattr(events, "CHUNK", 10)
    monkeypatch.setattr(events, "POOL", 500)
    pairs = Pairs(np.arange(5003, dtype=np.int32), np.arange(5003, dtype=np.uint32))
    found = [one.entities for one in Events.of(pairs).batches(70, np.random.default_rng(0))]
    assert sorted(np.concatenate(found)) == list(range(5003))
    assert {len(one) for one in found[:-1]} == {70}
    assert np.ptp(found[0]) > 3000


def test_the_area_by_bins_is_scikit_learns():
    random = np.random.default_rng(0)
    positive, negative = random.normal(1, 2, 5000).astype(np.float32), random.normal(0, 2, 4000).astype(np.float32)
    found = Discrimination()
    found.add(positive, positive=True)
    found.add(negative, positive=False)
    expected = roc_auc_score(np.repeat([1, 0], [5000, 4000]), np.concatenate([positive, negative]))
    assert found.area() == pytest.approx(expected, abs=1e-4)
    assert np.isnan(Discrimination().area())
    assert SingleHost().sum(found.counts).sum() == 9000
