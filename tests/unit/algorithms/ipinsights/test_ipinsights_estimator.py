"""The library face.

scikit-learn's checks make tables of numbers, where this estimator takes entities and addresses; what they hold other
estimators to is tested here on pairs.
"""

import inspect
import pickle

import numpy as np
import pandas
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from lakemill.algorithms.ipinsights import IPInsights
from tests.unit.algorithms.ipinsights.conftest import dotted, foreign, log_ins, pairs

QUICK = {"epochs": 4, "n_components": 16, "batch_size": 200, "learning_rate": 0.02}


@pytest.fixture(scope="module")
def history():
    return pairs(*log_ins(4000, 1))


@pytest.fixture(scope="module")
def fitted(history):
    return IPInsights(random_state=0, **QUICK).fit(history)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_valid_tag_types,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_mixin_order,
    ],
)
def test_the_checks_that_need_no_data_pass(check):
    check("IPInsights", IPInsights())


def test_it_tells_own_networks_from_others(fitted):
    scores = [fitted.score_samples(pairs(*drawn)) for drawn in (log_ins(2000, 5), foreign(2000, 5))]
    assert roc_auc_score(np.repeat([1, 0], [len(one) for one in scores]), np.concatenate(scores)) > 0.95
    assert (fitted.predict(pairs(*log_ins(2000, 5))) == 1).mean() > 0.9


def test_every_form_of_the_same_pairs_gives_the_same(history):
    users, addresses = log_ins(4000, 1)
    names = [f"user_{one}" for one in users]
    forms = {
        "list": history,
        "objects": np.array(history, object),
        "text": np.array(history),
        "frame": pandas.DataFrame({"who": names, "where": [two for _, two in history]}),
        "frame of numbers": pandas.DataFrame({"who": names, "where": addresses}),
        "numbers": np.array(list(zip(names, addresses.tolist(), strict=True)), object),
    }
    expected = IPInsights(random_state=0, **QUICK).fit(history).score_samples(history[:50])
    for name, form in forms.items():
        found = IPInsights(random_state=0, **QUICK).fit(form)
        np.testing.assert_array_equal(found.score_samples(history[:50]), expected, err_msg=name)


def test_entities_may_be_whole_numbers(history):
    users, addresses = log_ins(1000, 1)
    table = np.column_stack([users, addresses.astype(np.int64)])
    model = IPInsights(random_state=0, **QUICK).fit(table)
    text = [[str(one), dotted(two)] for one, two in table]
    np.testing.assert_array_equal(model.score_samples(table), model.score_samples(text))


def test_fit_keeps_parameters_and_data_and_returns_itself(history):
    data = np.array(history, object)
    before, model = data.copy(), IPInsights(random_state=0, **QUICK)
    parameters = model.get_params()
    assert model.fit(data) is model
    assert model.get_params() == parameters and (data == before).all()
    assert model.n_features_in_ == 2 and len(model.loss_curve_) == 4
    fitted = {name for name in vars(model) if name.endswith("_")}
    assert fitted == {"model_", "loss_curve_", "n_features_in_"}
    attributes = dict(vars(model))
    model.predict(data[:10])
    assert vars(model).keys() == attributes.keys()


def test_fits_agree_by_seed_and_clones_and_pickles_with_them(history, fitted):
    expected = fitted.score_samples(history[:100])
    again = clone(fitted).fit(history)
    np.testing.assert_array_equal(again.score_samples(history[:100]), expected)
    np.testing.assert_array_equal(again.fit(history).score_samples(history[:100]), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).score_samples(history[:100]), expected)
    other = clone(fitted).set_params(random_state=1).fit(history)
    assert not np.array_equal(other.score_samples(history[:100]), expected)


def test_scores_are_products_of_vectors_and_do_not_depend_on_the_company(fitted, history):
    scores = fitted.score_samples(history[:60])
    entities, addresses = ([one[column] for one in history[:60]] for column in (0, 1))
    products = (fitted.entity_embeddings(entities) * fitted.address_embeddings(addresses)).sum(axis=1)
    np.testing.assert_allclose(scores, products, rtol=1e-4, atol=1e-5)
    alone = np.concatenate([fitted.score_samples([one]) for one in history[:60]])
    np.testing.assert_allclose(alone, scores, rtol=1e-4, atol=1e-5)
    order = np.random.default_rng(0).permutation(60)
    np.testing.assert_allclose(fitted.score_samples([history[n] for n in order]), scores[order], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(fitted.decision_function(history[:60]), scores)
    np.testing.assert_array_equal(fitted.predict(history[:60]), np.where(scores < 0, -1, 1))
    assert scores.dtype == np.float32


def test_it_works_at_the_end_of_a_pipeline_and_as_fit_predict(history):
    model = make_pipeline("passthrough", IPInsights(random_state=0, **QUICK)).fit(history)
    assert set(model.predict(history[:100])) <= {-1, 1}
    assert len(IPInsights(random_state=0, **QUICK).fit_predict(history)) == len(history)


def test_an_estimator_that_is_not_fitted_says_so():
    for call in ("predict", "score_samples", "decision_function", "entity_embeddings", "address_embeddings"):
        with pytest.raises(NotFittedError):
            getattr(IPInsights(), call)([["u", "1.2.3.4"]])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], r"X must be \(n, 2\)"),
        (np.empty((0, 2), object), "0 sample"),
        ([["u", "1.2.3.4", "x"]], r"got the shape \(1, 3\)"),
        (["u", "1.2.3.4"], r"got the shape \(2,\)"),
        ([["u", "1.2.3.4"], ["u", "1.2.3"]], "row 1: '1.2.3' is no IPv4 address"),
        ([["u", "1.2.3.4"], ["", "1.2.3.4"]], "row 1: an entity must be text or a whole number; got ''"),
        ([["u", "1.2.3.4"], [None, "1.2.3.4"]], "row 1: an entity must be text or a whole number; got None"),
        ([[float("nan"), "1.2.3.4"]], "got nan"),
        (np.array([[1, -1]]), "row 0: an address has 32 bits; got -1"),
        (np.array([[1.0, np.nan]]), "row 0"),
        ([["u", 1 << 32]], "row 0: '4294967296' is no IPv4 address"),
    ],
)
def test_what_is_no_pair_is_named(data, says):
    with pytest.raises(ValueError, match=says):
        IPInsights(**QUICK).fit(data)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_components": 3}, {"n_entity_vectors": 0}, {"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0},
        {"weight_decay": -1}, {"random_negatives": -1}, {"n_layers": -1}, {"random_state": "x"},
        {"random_negatives": 0, "shuffled_negatives": 0},
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(wrong, history):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        IPInsights(**{**QUICK, **wrong}).fit(history)


def test_the_docstring_names_every_parameter():
    text = inspect.getdoc(IPInsights)
    for name in inspect.signature(IPInsights).parameters:
        assert name in text


def test_the_example_in_the_docstring_runs():
    import doctest

    from lakemill.algorithms.ipinsights import discrimination, estimator, identity, text

    for module in (discrimination, estimator, identity, text):
        assert doctest.testmod(module).failed == 0
