"""A photo gives the same score in whatever form it comes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Pixels, grating, png

import patchcore


@pytest.fixture
def pixels() -> Pixels:
    return grating(50, spot=True)


@pytest.fixture
def expected(fitted: patchcore.PatchCore, pixels: Pixels) -> float:
    return fitted.predict(pixels).pred_score


def rgba(pixels: Pixels) -> Pixels:
    with_alpha: Pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return with_alpha


def read_only(pixels: Pixels) -> Pixels:
    copy: Pixels = pixels.copy()
    copy.flags.writeable = False
    return copy


def strided(pixels: Pixels) -> Pixels:
    """Every other column of a wider array, in a part of it."""
    wide: Pixels = np.zeros((pixels.shape[0] + 3, pixels.shape[1] * 2, 3), np.uint8)
    wide[3:, ::2] = pixels
    return wide[3:, ::2]


@pytest.mark.parametrize(
    "form",
    [
        png,
        bytearray,
        rgba,
        read_only,
        strided,
        np.asfortranarray,
        lambda pixels: pixels[::-1, ::-1].copy()[::-1, ::-1],
        lambda pixels: pixels.astype(np.uint16) * 257,
        lambda pixels: pixels.astype(np.float64) / 255,
        lambda pixels: (pixels.astype(np.float64) / 255).astype(np.float32),
    ],
    ids=["png", "bytearray", "rgba", "read_only", "strided", "fortran", "backwards", "uint16", "float64", "float32"],
)
def test_a_photo_has_one_score(fitted: patchcore.PatchCore, pixels: Pixels, expected: float, form: Any) -> None:
    photo = form(png(pixels)) if form is bytearray else form(pixels)
    with warnings.catch_warnings():
        # Photos of 16 bits and floats are of another kind than those of the fit.
        warnings.simplefilter("ignore", patchcore.PatchCoreWarning)
        assert fitted.predict(photo).pred_score == expected


def test_files_and_pictures_have_the_same_score(
    fitted: patchcore.PatchCore, pixels: Pixels, expected: float, tmp_path: Path
) -> None:
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "photo.png"
    path.write_bytes(png(pixels))
    assert fitted.predict(path).pred_score == expected
    assert fitted.predict(str(path)).pred_score == expected
    assert fitted.predict(image.fromarray(pixels)).pred_score == expected
    assert fitted.predict(image.open(path)).pred_score == expected


def test_grey_photos_have_one_score_with_and_without_an_axis(fitted: patchcore.PatchCore) -> None:
    grey = grating(51)[..., 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", patchcore.PatchCoreWarning)
        expected = fitted.predict(grey).pred_score
        assert fitted.predict(grey[..., None]).pred_score == expected
        assert fitted.predict(png(grey)).pred_score == expected
        # The first convolution of a grey photo is folded, and rounds otherwise.
        assert fitted.predict(np.dstack([grey] * 3)).pred_score == pytest.approx(expected, rel=1e-5)


def test_the_pixels_are_left_as_they_are(fitted: patchcore.PatchCore, pixels: Pixels) -> None:
    before = pixels.copy()
    score = fitted.predict(pixels)
    assert np.array_equal(pixels, before)
    # A result outlives the photo and does not change with it.
    shown = score.anomaly_map.copy()
    pixels[:] = 0
    assert np.array_equal(score.anomaly_map, shown)


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((8, 8, 2), np.uint8),
        np.zeros((8, 8, 3), np.int64),
        np.zeros((8,), np.uint8),
        np.full((64, 64), np.nan, np.float32),
        b"no picture",
        "no/such/file.png",
    ],
    ids=["two channels", "int64", "one axis", "nan", "bytes", "path"],
)
def test_what_is_no_photo_is_refused(fitted: patchcore.PatchCore, photo: Any) -> None:
    with pytest.raises((patchcore.PatchCoreError, TypeError)) as refused:
        fitted.model_.predict(photo)
    assert len(str(refused.value)) > 20, "an error says what was expected"


def test_one_photo_or_several() -> None:
    one: list[object] = [np.zeros((4, 5)), np.zeros((4, 5, 3)), np.zeros((4, 5, 1)), b"bytes", "path.png", Path("path.png")]
    # Channels that are not last: the engine says what to do, where this is not taken for three grey photos.
    one.append(np.zeros((3, 4, 5)))
    several = [np.zeros((2, 4, 5, 3)), np.array([None], object), ["path.png"], iter([b"bytes"])]
    assert all(patchcore.photo.is_one_photo(given) for given in one)
    assert not any(patchcore.photo.is_one_photo(given) for given in several)


def test_a_stack_is_several_photos(fitted: patchcore.PatchCore) -> None:
    stack = np.stack([grating(60), grating(61, spot=True)])
    assert np.array_equal(fitted.score(stack), fitted.score(list(stack)))
