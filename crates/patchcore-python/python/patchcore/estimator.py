"""The estimator: settings in, a fitted model inside."""

from __future__ import annotations

import datetime
import inspect
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union, cast, overload

import numpy as np
import numpy.typing as npt

from ._patchcore import ChangeReport, FitReport, Model, PatchCoreError, Score
from .photo import Photo, Photos, is_one_photo
from .progress import ProgressFunction

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["NotFittedError", "PatchCore", "Weights", "load"]

#: Files with the weights of networks: of one network its file, of several a dict of names and files.
Weights: TypeAlias = Union[str, "os.PathLike[str]", dict[str, Union[str, "os.PathLike[str]"]]]


class NotFittedError(PatchCoreError, AttributeError):
    """A method that needs a model was called before ``fit``."""


class PatchCore:
    """Anomaly detection from good photos alone.

    Parameters keep the values that they are given; they are checked by :meth:`fit`. None means: what the mode says.

    Parameters
    ----------
    preset : str, optional
        Settings that belong together: ``authors-ensemble``, ``authors-ensemble-segmentation``. What is said beside it goes first.
    mode : str, optional
        Which definition is computed: ``line`` (the default, this project's own), ``paper``, ``authors`` or ``anomalib``.
    backbone : str or sequence of str, optional
        The frozen network, or several. The default one, ``efficientnet_lite0``, is in the package; of others ``weights`` are needed.
    further_networks : sequence, optional
        Networks beside it, by name or as dicts of ``backbone``, ``layers`` and ``weights``.
    weights : path or dict of str to path, optional
        ONNX or safetensors file of the network; of several by name.
    layers : sequence of str, optional
        Levels of the network.
    coreset_sampling_ratio : float, optional
        Share of all patches that each bank keeps, in (0, 1].
    bank_rows : int, optional
        Rows of each bank, instead of a share.
    coverage : float, optional
        Largest distance (L2) of a patch of the fit to its nearest row, instead of a share.
    memory : int, optional
        Bytes that patches, their selection and the banks may take in a fit.
    num_neighbors : int, optional
        Neighbours of the image score.
    patch_size : int, optional
        Side of a patch in cells, odd.
    pretrain_embed_dimension, target_embed_dimension : int, optional
        Values after the authors' two poolings.
    resize : int, (int, int) or "keep", optional
        Short side after the resize, or both as (width, height), in pixels.
    size : int or (int, int), optional
        Both sides after the resize, as (width, height); the aspect ratio is not kept.
    crop : int, (int, int) or False, optional
        Centre crop after the resize, as (width, height); False is none.
    pad_to_stride : bool, optional
        Whether the input is padded to whole cells.
    tile, overlap : int, optional
        Side of the tiles that large photos are cut into, and what neighbours share, in pixels.
    region : path or array ``[height, width]``, optional
        Where to look: a mask of the photos' size.
    full_scale : int, optional
        The sample that is white in photos of 16 bits: 4095 for a camera of 12.
    copies : dict, optional
        Copies of every photo that are fitted beside it: ``light`` (factors) and ``turned``.
    unsteady_light, any_angle : bool, optional
        The usual copies for light that changes and parts that lie at any angle.
    distance, image_score, upsampling, border, smoothing, embedding, projection, start : str, optional
        Rules, where they are not to be the mode's.
    rules : dict of str to str, optional
        Rules by name, after all others.
    seed : int, default 0
        Source of every random choice: the same seed gives the same bank, bit for bit.
    device : str, default "cpu"
        Where to compute.
    precision, instructions : str, optional
        Number format in which the device computes an f32 network, and the most that the CPU's kernels may use.
    bank_dtype : str, optional
        ``f32`` or ``f16``.
    network_precision : str, optional
        ``f32``, ``bf16`` or ``int8``.
    threads : int, optional
        Threads of the model. Default: one for each processor.

    Attributes
    ----------
    model_ : Model
        The fitted model.
    report_ : FitReport
        What the fit said: photos that were rejected, remarks, settings that the photos speak for. Not there where the model was loaded.
    change_ : ChangeReport
        What the last :meth:`extend` or :meth:`forget` did.
    threshold_ : float or None
        From which image score a photo is called defective; None before :meth:`calibrate`.

    See Also
    --------
    load : A fitted one from a file.

    Notes
    -----
    Scores are higher for what is worse, in :meth:`decision_function`, too: this is PyOD's sense and the opposite of scikit-learn's own outlier
    detectors. With labels of 1 for defective photos, ``scoring="roc_auc"`` of scikit-learn is then the right way round. ``scoring`` must be said there,
    because :meth:`score` gives a score for each photo, as anomalib and PyOD do, and not one number.

    Examples
    --------
    >>> from patchcore import PatchCore
    >>> model = PatchCore(coreset_sampling_ratio=0.1).fit("good/")  # doctest: +SKIP
    >>> model.score(["new/1.png", "new/2.png"])  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        preset: str | None = None,
        mode: str | None = None,
        backbone: str | Sequence[str] | None = None,
        further_networks: Sequence[str | dict[str, Any]] | None = None,
        weights: Weights | None = None,
        layers: Sequence[str] | None = None,
        coreset_sampling_ratio: float | None = None,
        bank_rows: int | None = None,
        coverage: float | None = None,
        memory: int | None = None,
        num_neighbors: int | None = None,
        patch_size: int | None = None,
        pretrain_embed_dimension: int | None = None,
        target_embed_dimension: int | None = None,
        resize: int | tuple[int, int] | str | None = None,
        size: int | tuple[int, int] | None = None,
        crop: int | tuple[int, int] | str | bool | None = None,
        pad_to_stride: bool | None = None,
        tile: int | None = None,
        overlap: int | None = None,
        region: str | os.PathLike[str] | npt.NDArray[Any] | None = None,
        full_scale: int | None = None,
        copies: dict[str, Any] | None = None,
        unsteady_light: bool | None = None,
        any_angle: bool | str | None = None,
        distance: str | None = None,
        image_score: str | None = None,
        upsampling: str | None = None,
        border: str | None = None,
        smoothing: str | None = None,
        embedding: str | None = None,
        projection: str | None = None,
        start: str | None = None,
        rules: dict[str, str] | None = None,
        seed: int = 0,
        device: str = "cpu",
        precision: str | None = None,
        instructions: str | None = None,
        bank_dtype: str | None = None,
        network_precision: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.preset = preset
        self.mode = mode
        self.backbone = backbone
        self.further_networks = further_networks
        self.weights = weights
        self.layers = layers
        self.coreset_sampling_ratio = coreset_sampling_ratio
        self.bank_rows = bank_rows
        self.coverage = coverage
        self.memory = memory
        self.num_neighbors = num_neighbors
        self.patch_size = patch_size
        self.pretrain_embed_dimension = pretrain_embed_dimension
        self.target_embed_dimension = target_embed_dimension
        self.resize = resize
        self.size = size
        self.crop = crop
        self.pad_to_stride = pad_to_stride
        self.tile = tile
        self.overlap = overlap
        self.region = region
        self.full_scale = full_scale
        self.copies = copies
        self.unsteady_light = unsteady_light
        self.any_angle = any_angle
        self.distance = distance
        self.image_score = image_score
        self.upsampling = upsampling
        self.border = border
        self.smoothing = smoothing
        self.embedding = embedding
        self.projection = projection
        self.start = start
        self.rules = rules
        self.seed = seed
        self.device = device
        self.precision = precision
        self.instructions = instructions
        self.bank_dtype = bank_dtype
        self.network_precision = network_precision
        self.threads = threads

    # Settings, as scikit-learn asks for them.

    @classmethod
    def _names(cls) -> list[str]:
        """The names of the constructor's arguments."""
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every argument of the constructor with its value.

        Parameters
        ----------
        deep : bool
            Changes nothing: no argument is an estimator.

        Returns
        -------
        dict
            By name.
        """
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Self:
        """Set arguments of the constructor by name; a model that is fitted stays as it is until the next :meth:`fit`.

        Parameters
        ----------
        **params
            Names and values.

        Returns
        -------
        PatchCore
            This one.

        Raises
        ------
        PatchCoreError
            A name that is no argument.
        """
        known = self._names()
        for name in params:
            if name not in known:
                raise PatchCoreError(f"PatchCore has no parameter {name!r}: choose among {', '.join(known)}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def settings(self) -> dict[str, Any]:
        """What was said of the fit, for :meth:`Model.fit`: the arguments that are not None, without ``threads``.

        Returns
        -------
        dict
            By name.
        """
        said = {name: value for name, value in self.get_params().items() if value is not None}
        said.pop("threads", None)
        return said

    def __repr__(self) -> str:
        defaults = {name: of.default for name, of in inspect.signature(type(self).__init__).parameters.items()}
        said = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items() if value is not defaults[name])
        return f"{type(self).__name__}({said})"

    def __getstate__(self) -> dict[str, Any]:
        # Reports hold exceptions; a copy has the model alone.
        return {name: value for name, value in vars(self).items() if name not in ("report_", "change_")}

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)

    def __sklearn_clone__(self) -> PatchCore:
        self._refuse_if_loaded("cloned")
        return type(self)(**self.get_params())

    def __sklearn_tags__(self) -> Any:
        # Only scikit-learn calls this, so it is there.
        from sklearn.utils import InputTags, Tags, TargetTags  # type: ignore[import-untyped,unused-ignore]

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            input_tags=InputTags(two_d_array=False, three_d_array=True, string=True),
            no_validation=True,
        )

    # The model.

    @classmethod
    def of_model(cls, model: Model, **params: Any) -> Self:
        """A fitted estimator around a model.

        Parameters
        ----------
        model : Model
            From :meth:`Model.fit`, :meth:`Model.load` or :meth:`Model.from_bytes`.
        **params
            Arguments of the constructor that are known. The other settings are the model's own (``model_.config_rows``), so that this estimator is
            not fitted again, nor cloned.

        Returns
        -------
        PatchCore
            Fitted.
        """
        estimator = cls(**params)
        estimator.model_ = model
        estimator._is_loaded = True
        return estimator

    model_: Model
    report_: FitReport
    change_: ChangeReport
    _is_loaded: bool = False

    def _refuse_if_loaded(self, what: str) -> None:
        if self._is_loaded:
            raise PatchCoreError(
                f"a PatchCore that comes from a model's file or bytes is not {what}: its settings are the model's own "
                "(model_.config_rows); make a new PatchCore(...) with the settings wanted"
            )

    def _fitted(self) -> Model:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError("this PatchCore is not fitted: call fit with photos of good parts, or patchcore.load a model")
        return self.model_

    @property
    def threshold_(self) -> float | None:
        """From which image score a photo is called defective; None before :meth:`calibrate`."""
        return self._fitted().threshold

    def fit(
        self, X: Photos, y: npt.ArrayLike | None = None, *, progress: ProgressFunction | None = None, total: int | None = None
    ) -> Self:
        """Fit a memory bank on photos of good parts.

        Parameters
        ----------
        X : photos
            A folder, a data set (its good photos for training), or an iterable of paths, arrays, pictures of PIL or bytes of encoded files. An
            iterator is pulled once, on this thread.
        y : array_like, optional
            Labels of the photos. Those that are not 0 are defective and are left out of the fit, so that ``GridSearchCV`` may be given labelled
            photos.
        progress : callable, optional
            Called as ``progress(stage, done, total)`` on this thread; returning False cancels.
        total : int, optional
            Number of photos that an iterator gives, for the progress.

        Returns
        -------
        PatchCore
            This one, fitted.

        Raises
        ------
        PatchCoreError
            A setting or photos that no model can be made of; :class:`Cancelled` where the progress said so.
        """
        self._refuse_if_loaded("fitted again")
        photos = X if y is None else _good(X, y)
        self.model_, self.report_ = Model.fit(photos, self.settings(), progress=progress, threads=self.threads, total=total)
        return self

    @overload
    def predict(self, X: Photo) -> Score: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, X: Iterable[Photo]) -> list[Score]: ...

    def predict(self, X: Photo | Iterable[Photo]) -> Score | list[Score]:
        """Score a photo, or several.

        Parameters
        ----------
        X : photo or iterable of photos
            Where it is one photo is said under :func:`patchcore.photo.is_one_photo`.

        Returns
        -------
        Score or list of Score
            With the score, the map, the verdict and what the photo was compared with.

        Raises
        ------
        PhotoError
            A photo that cannot be read; of several the first one.
        """
        model = self._fitted()
        if is_one_photo(X):
            return model.predict(X)
        return [_or_raise(score) for _, score in model.scores(cast(Photos, X))]

    def scores(self, X: Photos) -> Iterator[tuple[str, Score | PatchCoreError]]:
        """Score photos one after the other, decoded ahead.

        Parameters
        ----------
        X : photos
            As for :meth:`score`.

        Yields
        ------
        (str, Score or PatchCoreError)
            The name of each photo and its score, or why it has none: one bad file does not end the work.
        """
        return self._fitted().scores(_several(X))

    def score(self, X: Photos, y: object = None, *, progress: ProgressFunction | None = None) -> npt.NDArray[np.float32]:
        """Image scores.

        Parameters
        ----------
        X : photos
            A folder, or an iterable of photos; a single photo is one of one.
        y : object
            Not looked at; scikit-learn passes it.
        progress : callable, optional
            As for :meth:`fit`.

        Returns
        -------
        numpy.ndarray
            float32 ``[n]``, higher is worse.

        Raises
        ------
        PhotoError
            The first photo that cannot be read, by name.
        """
        return self._fitted().score_array(_several(X), progress=progress)

    def decision_function(self, X: Photos) -> npt.NDArray[np.float32]:
        """:meth:`score` under the name of scikit-learn and PyOD. Higher is worse: PyOD's sense."""
        return self._fitted().score_array(_several(X))

    def predict_labels(self, X: Photos) -> npt.NDArray[np.int8]:
        """Verdicts by the model's threshold.

        Parameters
        ----------
        X : photos
            As for :meth:`score`.

        Returns
        -------
        numpy.ndarray
            int8 ``[n]``: 0 good, 1 defective.

        Raises
        ------
        PatchCoreError
            The model has no threshold.
        """
        if self.threshold_ is None:
            raise PatchCoreError("this model has no threshold: call calibrate with good photos that the fit has not seen")
        labels = [_or_raise(score).pred_label for _, score in self.scores(X)]
        return np.array(labels, dtype=np.int8)

    def calibrate(
        self, good: Photos, *, fpr: float, confidence: float = 0.95, progress: ProgressFunction | None = None
    ) -> Self:
        """Set the threshold that keeps a rate of false alarms, with a guarantee.

        Parameters
        ----------
        good : photos
            Of good parts that the fit has not seen.
        fpr : float
            The largest rate of false alarms, in (0, 1).
        confidence : float, default 0.95
            With which it holds for parts like those in the photos.
        progress : callable, optional
            As for :meth:`fit`.

        Returns
        -------
        PatchCore
            This one, with a threshold.

        Raises
        ------
        PatchCoreError
            Too few photos for that rate, or photos of the fit.
        """
        self.model_ = self._fitted().calibrate(good, fpr=fpr, confidence=confidence, progress=progress)
        return self

    def evaluate(self, data: str | os.PathLike[str], *, progress: ProgressFunction | None = None) -> dict[str, float]:
        """Metrics on a labelled test set.

        Parameters
        ----------
        data : path
            A data set with test photos: a folder in one of the known layouts, or a manifest (CSV).
        progress : callable, optional
            As for :meth:`fit`.

        Returns
        -------
        dict of str to float
            ``image_auroc``, ``aupro_0.05`` and so on, and ``images``, their number. What is not defined is not there.
        """
        return self._fitted().evaluate(data, progress=progress)

    def extend(
        self,
        photos: Photos,
        *,
        ratio: float | None = None,
        bank_rows: int | None = None,
        coverage: float | None = None,
        progress: ProgressFunction | None = None,
    ) -> Self:
        """Add photos of good parts to a fitted model. No row of its banks goes, and no score rises by it, as a rule.

        Parameters
        ----------
        photos : photos
            As for :meth:`fit`. Those that the model has already change nothing.
        ratio, bank_rows, coverage : optional
            At most one: the share of the new patches that each bank gains, its rows in all afterwards, or the largest distance of a new patch to its
            nearest row. Default: the share of the fit.
        progress : callable, optional
            As for :meth:`fit`.

        Returns
        -------
        PatchCore
            This one; ``change_`` says what was done, and what became of the threshold.
        """
        self.model_, self.change_ = self._fitted().extend(
            photos, ratio=ratio, bank_rows=bank_rows, coverage=coverage, date=_today(), progress=progress
        )
        return self

    def forget(
        self,
        photos: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        *,
        cover_with: Photos | None = None,
        progress: ProgressFunction | None = None,
    ) -> Self:
        """Take photos of the fit, and their copies, out of a fitted model.

        Parameters
        ----------
        photos : str or iterable of str
            Names as in ``model_.photos``, or digests of their pixels.
        cover_with : photos, optional
            Photos of the fit: rows are added from those that stay, until the banks cover them as before.
        progress : callable, optional
            As for :meth:`fit`.

        Returns
        -------
        PatchCore
            This one; ``change_`` says what was done.
        """
        self.model_, self.change_ = self._fitted().forget(photos, cover_with=cover_with, date=_today(), progress=progress)
        return self

    def merge(
        self,
        *others: PatchCore | Model,
        bank_rows: int | None = None,
        ratio: float | None = None,
        progress: ProgressFunction | None = None,
    ) -> Self:
        """Add the banks of other models of the same settings. The threshold is stale afterwards: calibrate again.

        Parameters
        ----------
        *others : PatchCore or Model
            Fitted on other photos.
        bank_rows, ratio : optional
            At most one: rows that each bank keeps of all, or their share of all patches, chosen again. Default: all rows.
        progress : callable, optional
            As for :meth:`fit`.

        Returns
        -------
        PatchCore
            This one.
        """
        models = [self._fitted(), *(other._fitted() if isinstance(other, PatchCore) else other for other in others)]
        self.model_ = Model.merge(models, bank_rows=bank_rows, ratio=ratio, date=_today(), progress=progress)
        return self

    def save(self, path: str | os.PathLike[str], *, with_weights: bool = False) -> None:
        """Write the model's file, whole or not at all.

        Parameters
        ----------
        path : path
            Where; a file that is there is replaced.
        with_weights : bool, default False
            Whether the network's weights are put in, for a machine that has none.
        """
        self._fitted().save(path, with_weights=with_weights)

    def to_bytes(self, *, with_weights: bool = True) -> bytes:
        """The model's file as bytes; :meth:`Model.from_bytes` reads them."""
        return self._fitted().to_bytes(with_weights=with_weights)


def load(
    path: str | os.PathLike[str],
    *,
    device: str = "cpu",
    threads: int | None = None,
    weights: Weights | None = None,
) -> PatchCore:
    """Load a model.

    Parameters
    ----------
    path : path
        A file that :meth:`PatchCore.save` or the program ``patchcore`` has written.
    device : str, default "cpu"
        Where to compute.
    threads : int, optional
        Threads of the model. Default: one for each processor.
    weights : path or dict of str to path, optional
        The networks' weights, for a model that does not carry them and whose network is not in the package.

    Returns
    -------
    PatchCore
        Fitted. Its settings are the model's, so that it is not fitted again.

    Raises
    ------
    ModelFileError
        No model's file, or a damaged one.
    """
    model = Model.load(path, device=device, threads=threads, weights=weights)
    return PatchCore.of_model(model, device=device, threads=threads, weights=weights)


def _today() -> str:
    """The day, for a model's history."""
    return datetime.date.today().isoformat()


def _several(photos: Photos) -> Photos:
    """A single photo as photos."""
    return [photos] if is_one_photo(photos) else photos


def _good(photos: Photos, labels: npt.ArrayLike) -> list[Photo | tuple[str, Photo]]:
    """The photos whose label is 0."""
    if isinstance(photos, (str, os.PathLike)):
        raise PatchCoreError("labels go with photos one by one; a folder or a data set has its own")
    defective = np.asarray(labels).ravel()
    listed = list(photos)
    if len(listed) != len(defective):
        raise PatchCoreError(f"{len(listed)} photos and {len(defective)} labels: one label for each photo is needed")
    return [photo for photo, label in zip(listed, defective) if not label]


def _or_raise(score: Score | PatchCoreError) -> Score:
    if isinstance(score, PatchCoreError):
        raise score
    return score
