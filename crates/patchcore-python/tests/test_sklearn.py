"""scikit-learn's conventions, with scikit-learn."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SETTINGS, grating

import patchcore

sklearn = pytest.importorskip("sklearn")


def labelled() -> tuple[list[Any], list[int]]:
    photos = [grating(seed) for seed in range(9)] + [grating(seed, spot=True) for seed in range(20, 23)]
    return photos, [0] * 9 + [1] * 3


def test_the_package_does_not_import_what_is_optional() -> None:
    script = """
import sys, patchcore, patchcore.scorer, patchcore.manifest
optional = {"sklearn", "ray", "daft", "pyspark", "pandas", "pyarrow", "PIL", "torch"}
assert not optional & sys.modules.keys(), optional & sys.modules.keys()
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_parameters_are_kept_as_they_are_given() -> None:
    layers = ["blocks.1"]
    model = patchcore.PatchCore(layers=layers, coreset_sampling_ratio=7.0)
    assert model.get_params()["layers"] is layers and model.coreset_sampling_ratio == 7.0
    assert model.set_params(seed=3) is model and model.seed == 3
    assert repr(model) == "PatchCore(layers=['blocks.1'], coreset_sampling_ratio=7.0, seed=3)"


def test_clones_have_the_parameters_and_no_model(fitted: patchcore.PatchCore) -> None:
    from sklearn.base import clone
    from sklearn.utils.validation import check_is_fitted

    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    check_is_fitted(fitted)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        check_is_fitted(copy)
    with pytest.raises(patchcore.PatchCoreError, match="config_rows"):
        clone(patchcore.PatchCore.of_model(fitted.model_))


def test_it_is_the_last_step_of_a_pipeline(fitted: patchcore.PatchCore) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    upright = FunctionTransformer(lambda photos: [photo[:, ::-1] for photo in photos])
    pipeline = make_pipeline(upright, patchcore.PatchCore(**SETTINGS))
    mirrored = [grating(seed)[:, ::-1] for seed in range(8)]
    pipeline.fit(mirrored)
    photos = [grating(30), grating(31, spot=True)]
    expected = fitted.score(photos)
    assert np.array_equal(pipeline.decision_function([photo[:, ::-1] for photo in photos]), expected)
    assert [score.pred_score for score in pipeline.predict([photo[:, ::-1] for photo in photos])] == expected.tolist()


def test_a_grid_search_finds_the_better_setting() -> None:
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    photos, labels = labelled()
    search = GridSearchCV(
        patchcore.PatchCore(resize=96),
        {"coreset_sampling_ratio": [0.05, 0.5]},
        scoring="roc_auc",
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
        error_score="raise",
    )
    search.fit(photos, labels)
    assert search.best_score_ == 1.0
    assert search.best_estimator_.score(photos[:2]).shape == (2,)
    # The sense of the scores: labels turned round are found as badly as they were well.
    from sklearn.metrics import roc_auc_score

    scores = search.decision_function(photos[:8] + photos[9:])
    assert roc_auc_score([0] * 8 + [1] * 3, scores) == 1.0


#: The checks of scikit-learn's `check_estimator` that hold, by name.
HOLD = {
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_fit1d",
}

#: Those that cannot, with why. The first group fits tables of numbers, whose rows are no photos: refused as such. What they are about is tested with
#: photos below, or elsewhere in these tests.
TABLE = "a row of a table of numbers is no photo"
CANNOT = {
    **dict.fromkeys(
        [
            "check_fit_score_takes_y",
            "check_estimators_overwrite_params",
            "check_dont_overwrite_parameters",
            "check_estimators_fit_returns_self",
            "check_readonly_memmap_input",
            "check_estimators_dtypes",
            "check_dtype_object",
            "check_pipeline_consistency",
            "check_estimators_pickle",
            "check_f_contiguous_array_estimator",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
            "check_dict_unchanged",
            "check_fit_idempotent",
            "check_fit_check_is_fitted",
            "check_fit2d_predict1d",
            "check_fit2d_1sample",
            "check_fit2d_1feature",
            "check_positive_only_tag_during_fit",
        ],
        TABLE,
    ),
    "check_n_features_in": "photos of any size are scored: there is no number of features",
    "check_n_features_in_after_fitting": "photos of any size are scored: there is no number of features",
    "check_estimators_unfitted": "NotFittedError is the package's own: scikit-learn is not imported",
    "check_complex_data": "the error says what a photo is, and not that numbers are complex",
    "check_estimators_empty_data_messages": "the error says that there is no photo, and not how many features there are",
    "check_estimators_nan_inf": "the rows are refused as no photos before anything looks for NaN; in photos NaN is refused",
    "check_estimator_sparse_tag": "no photo is sparse",
    "check_estimator_sparse_array": "no photo is sparse",
    "check_estimator_sparse_matrix": "no photo is sparse",
}


class OfTables(patchcore.PatchCore):
    """Says that it takes tables, because the checks are skipped otherwise."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.no_validation = False
        return tags


def test_check_estimator_holds_as_far_as_photos_allow() -> None:
    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = check_estimator(OfTables(), on_skip=None, on_fail=None)
    of_status = {
        status: {row["check_name"] for row in outcomes if row["status"] == status} for status in ("passed", "failed", "skipped")
    }
    # Another release may have other checks; of those that are known none changes sides.
    assert not of_status["failed"] & HOLD and not of_status["passed"] & CANNOT.keys()
    if sklearn.__version__.startswith("1.9."):
        assert of_status["passed"] == HOLD and of_status["failed"] == CANNOT.keys()


def test_what_those_checks_are_about_holds_with_photos(good: list[Any], fitted: patchcore.PatchCore) -> None:
    estimator = patchcore.PatchCore(**SETTINGS)
    parameters = dict(vars(estimator))
    assert estimator.fit(good) is estimator
    # A fit overwrites no parameter, and what it adds ends with an underscore.
    assert {name: value for name, value in vars(estimator).items() if name in parameters} == parameters
    assert all(name.endswith("_") for name in vars(estimator).keys() - parameters.keys())
    # Fitted twice is fitted once.
    assert estimator.model_ == fitted.model_ == estimator.fit(good).model_
    # Scores depend neither on their order nor on their neighbours, and scoring changes nothing.
    photos = [grating(seed, spot=seed % 2 == 0) for seed in range(40, 45)]
    state = dict(vars(estimator))
    scores = estimator.decision_function(photos)
    assert estimator.decision_function(photos[::-1]).tolist() == scores[::-1].tolist()
    assert [estimator.decision_function([photo])[0] for photo in photos] == scores.tolist()
    assert dict(vars(estimator)) == state


def test_a_read_only_memory_map_is_photos(good: list[Any], fitted: patchcore.PatchCore, tmp_path: Path) -> None:
    np.save(tmp_path / "photos.npy", np.stack(good))
    mapped = np.load(tmp_path / "photos.npy", mmap_mode="r")
    assert patchcore.PatchCore(**SETTINGS).fit(mapped).model_ == fitted.model_
