"""The pieces: sampling, projections, votes, indexes."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.neighbors import NearestNeighbors

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.knn.hosts import joined, share
from lakemill.algorithms.knn.index import build, cells_of, search
from lakemill.algorithms.knn.model import NeighborModel
from lakemill.algorithms.knn.projection import Projection
from lakemill.algorithms.knn.reservoir import Reservoir
from lakemill.algorithms.knn.vectors import Preparation, preparation
from lakemill.algorithms.knn.votes import majority
from lakemill.formats.block import Block
from tests.unit.algorithms.trainings import on_hosts


def numbered(count, first=0):
    numbers = np.arange(first, first + count, dtype=np.float32)
    return Block(numbers[:, None], numbers)


def reservoir(size, seed=0, width=1, checked=False):
    return Reservoir(size, Preparation(None, False, width), np.random.default_rng(seed), checked=checked)


def test_every_record_is_sampled_equally_often_wherever_it_stands():
    counts = np.zeros(50)
    for seed in range(3000):
        sample = reservoir(10, seed)
        for start in range(0, 50, 7):
            sample.update(numbered(min(7, 50 - start), start))
        assert len(np.unique(sample.labels)) == 10
        counts[sample.labels.astype(int)] += 1
    # Binomial(3000, 0.2): standard deviation 22; 5 of them for 50 records.
    np.testing.assert_allclose(counts, 600, atol=110)


def test_blocks_of_any_size_make_the_same_sample_and_all_is_kept_while_it_fits():
    whole, parts = reservoir(20), reservoir(20)
    whole.update(numbered(100))
    for start in range(0, 100, 30):
        parts.update(numbered(min(30, 100 - start), start))
    np.testing.assert_array_equal(whole.labels, parts.labels)
    np.testing.assert_array_equal(whole.vectors[:, 0], whole.labels)
    few = reservoir(1000)
    few.update(numbered(100))
    np.testing.assert_array_equal(few.labels, np.arange(100))


def test_a_sample_that_cannot_fit_is_refused_in_words(monkeypatch):
    class Little:
        available = 1000

    monkeypatch.setattr("lakemill.algorithms.knn.reservoir.psutil.virtual_memory", Little)
    with pytest.raises(CustomerError, match="lower sample_size"):
        reservoir(10_000).update(numbered(5000))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=5), st.integers(1, 2000))
def test_shares_of_hosts_are_whole_even_and_within_what_they_have(seen, size):
    shares = share(seen, size)
    assert sum(shares) == min(size, sum(seen))
    assert all(0 <= one <= have for one, have in zip(shares, seen, strict=True))
    assert all(abs(one - have * sum(shares) / max(sum(seen), 1)) < 1 for one, have in zip(shares, seen, strict=True))


def test_samples_of_unequal_hosts_join_into_an_even_one():
    counts = np.zeros(100)
    for seed in range(300):

        def work(collective, seed=seed):
            sample = reservoir(20, [seed, collective.rank], checked=True)
            first, count = ((0, 10), (10, 90), (100, 0))[collective.rank]
            sample.update(numbered(count, first))
            return joined(sample, collective, everywhere=False)

        (vectors, labels), *others = on_hosts(3, work)
        assert others == [None, None]
        np.testing.assert_array_equal(vectors[:, 0], labels)
        counts[labels.astype(int)] += 1
    assert counts.sum() == 300 * 20
    np.testing.assert_allclose([counts[:10].mean(), counts[10:].mean()], 60, atol=4)


def test_records_that_every_host_read_count_once():
    def work(collective):
        sample = reservoir(1000, collective.rank, checked=True)
        sample.update(numbered(50))
        return joined(sample, collective, everywhere=True)

    for _, labels in on_hosts(2, work):
        np.testing.assert_array_equal(labels, np.arange(50))


@pytest.mark.parametrize("kind", ["sign", "fjlt"])
@pytest.mark.parametrize("shape", [(300, 100), (1000, 129), (7, 6), (1, 1)])
def test_projections_keep_distances_and_products_on_average(kind, shape):
    width, target = shape
    random = np.random.default_rng(5)
    one, other = random.normal(size=(2, width)).astype(np.float32)
    one[width // 2 :] = 0  # Unevenly spread over the features.
    squares, products = [], []
    for seed in range(400):
        a, b = Projection(kind, seed, width, target)(np.stack([one, other]))
        squares.append(np.square(a - b).sum())
        products.append(a @ b)
    spread = np.linalg.norm(one) * np.linalg.norm(other) * np.sqrt(2 / target / 400)
    assert np.mean(squares) == pytest.approx(np.square(one - other).sum(), rel=5 * np.sqrt(2 / target / 400))
    assert np.mean(products) == pytest.approx(one @ other, abs=5 * spread)


@pytest.mark.parametrize("kind", ["sign", "fjlt"])
def test_projections_are_remade_from_their_seed_and_take_sparse_points(kind):
    points = sp.random(40, 70, density=0.2, format="csr", dtype=np.float32, random_state=0)
    first, again, other = (Projection(kind, seed, 70, 20)(points.toarray()) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    np.testing.assert_allclose(Projection(kind, 1, 70, 20)(points), first, atol=1e-5)


def test_the_matrix_of_a_seed_never_changes():
    """Models on disk name the seed alone."""
    points = np.eye(5, dtype=np.float32)
    signs = np.sign(Projection("sign", 3, 5, 4)(points)).astype(int).tolist()
    assert signs == [[1, 1, 1, 1], [1, -1, -1, -1], [1, 1, -1, -1], [-1, -1, 1, -1], [1, -1, 1, 1]]
    np.testing.assert_allclose(
        Projection("fjlt", 3, 5, 2)(points),
        [[0.83147, 0.38268], [-0.19509, -0.92388], [-0.98079, 0.92388], [-0.55557, -0.38268], [0.55557, -0.38268]],
        atol=1e-5,
    )


def test_widths_grow_to_a_multiple_of_the_parts():
    padded = preparation(54, kind=None, target_dim=None, seed=0, normalize=False, parts=8)
    assert padded.width == 56
    made = padded(np.ones((2, 54), np.float32))
    assert made.shape == (2, 56) and not made[:, 54:].any()
    raised = preparation(54, kind="sign", target_dim=50, seed=0, normalize=False, parts=8)
    assert raised(np.ones((2, 54), np.float32)).shape == (2, 56)


def test_vectors_of_length_0_survive_normalising():
    made = Preparation(None, True, 2)(np.float32([[0, 0], [3, 4]]))
    np.testing.assert_allclose(made, [[0, 0], [0.6, 0.8]], rtol=1e-6)


@given(arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=st.integers(-2, 2)))
def test_a_vote_is_the_lowest_of_the_most_frequent(labels):
    for row, found in zip(labels, majority(labels), strict=True):
        values, counts = np.unique(row, return_counts=True)
        assert found == values[counts.argmax()]


@pytest.mark.parametrize("queries", [1, 3, 50])
@pytest.mark.parametrize(
    ("metric", "reference"), [("L2", "sqeuclidean"), ("COSINE", "cosine"), ("INNER_PRODUCT", None)]
)
def test_flat_search_is_exact(groups, queries, metric, reference):
    points, asked = groups[0][:500], groups[0][500 : 500 + queries]
    prepare = Preparation(None, metric == "COSINE", 6)
    index = build(prepare(points), "faiss.Flat", metric)
    distances, _ = NeighborModel(index, groups[1][:500], prepare, k=7, classifier=True).neighbors(asked)
    if reference:
        expected = NearestNeighbors(n_neighbors=7, metric=reference).fit(points).kneighbors(asked)[0]
    else:
        expected = np.sort(-(asked @ points.T), axis=1)[:, :7]
    np.testing.assert_allclose(distances, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["faiss.Flat", "faiss.IVFFlat"])
def test_neighbours_far_from_zero_are_found_as_well(groups, kind):
    points = groups[0] + np.float32(20_000)
    numbers = search(build(points, kind, "L2", n_lists=4, n_probe=4), points[:100], 2)[1]
    expected = NearestNeighbors(n_neighbors=2).fit(points.astype(np.float64)).kneighbors(points[:100])[1]
    assert (numbers == expected).mean() > 0.98
    lone = search(build(points, kind, "L2", n_lists=4, n_probe=4), points[:1], 1)[1]
    assert lone.tolist() == [[0]]


@pytest.mark.parametrize("kind", ["faiss.IVFFlat", "faiss.IVFPQ", "faiss.IVFPQFastScan"])
def test_searched_cells_that_hold_too_few_are_made_up_for(groups, kind):
    points = groups[0]
    index = build(points, kind, "L2", n_lists=100, parts=3, n_probe=1)
    _, numbers = search(index, points[:5], 300)
    assert (numbers >= 0).all()
    assert all(len(set(row)) == 300 for row in numbers.tolist())
    assert cells_of(index).nprobe == 1


@pytest.mark.parametrize(
    ("kind", "recall"), [("faiss.IVFFlat", 0.9), ("faiss.IVFPQ", 0.35), ("faiss.IVFPQFastScan", 0.9)]
)
def test_approximate_indexes_find_most_of_the_neighbours(fashion, kind, recall):
    (points, _), (asked, _) = fashion
    exact = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(points).kneighbors(asked[:300])[1]
    parts = {"faiss.IVFPQ": 28, "faiss.IVFPQFastScan": 196}.get(kind)
    _, found = search(build(points, kind, "L2", parts=parts, n_probe=8), asked[:300], 10)
    assert np.mean([len({*a} & {*b}) for a, b in zip(exact.tolist(), found.tolist(), strict=True)]) / 10 > recall
