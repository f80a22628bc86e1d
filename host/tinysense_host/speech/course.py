"""The way from a recipe's clips to a model, and to numbers for speakers it never heard.

Clips are gathered part by part, each part's streams made of its own speakers only, so that
every fold uses what is there already and hears nobody that it is tested on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ..errors import TinysenseError
from .clips import Clip, part_of
from .composing import Composer, Examples
from .judging import ClipScore, judged
from .mining import mined, weighted
from .recipe import SpeechRecipe, TeacherSpec
from .sources import Sources, found_sources, teacher_bytes
from .teacher import Teacher
from .training import SpeechTrained, gather, rows_by_core, train_speech

__all__ = ["Course"]

# (what is going on, done, of how many, a word on it)
Progress = Callable[[str, int, int, str], None]


def _fitting(recipe: SpeechRecipe, clips: int, taught: bool) -> SpeechRecipe:
    """The recipe for so many clips: fewer copies of many, no teacher where there is none."""
    spec = recipe.augmentation
    copies = max(1, min(spec.copies, spec.windows // max(1, clips)))
    teacher = recipe.teacher if taught else TeacherSpec()
    return replace(recipe, augmentation=replace(spec, copies=copies), teacher=teacher)


class Course:
    """One recipe with its clips. ``built``: a folder for what is made on the way."""

    def __init__(
        self,
        recipe: SpeechRecipe,
        given: Path | None,
        built: Path,
        progress: Progress | None = None,
        *,
        sources: Sources | None = None,
    ) -> None:
        self._progress = progress or (lambda *_: None)
        report = self._progress
        self.sources = sources or found_sources(
            recipe, given, built, lambda what, done, total: report(what, done, total, "")
        )
        taught = teacher_bytes(recipe)
        self.recipe = _fitting(recipe, len(self.sources.clips), taught is not None)
        self.teacher = Teacher(taught, recipe) if taught is not None else None
        self._gathered: dict[int, Examples] = {}
        self._check_parts()

    def _check_parts(self) -> None:
        """Every label but silence must be in the tested part and outside it."""
        spec = self.recipe.training
        kept = {c.label for c in self.sources.clips if self._outside(c)}
        kept |= {c.label for c in self.sources.extra}
        missing = [name for i, name in enumerate(self.recipe.labels) if i not in kept]
        if missing:
            raise TinysenseError(
                f"no clips of {', '.join(missing)} to train on, by speakers outside part "
                f"{spec.tested} of {spec.folds}",
                "add a folder of that name with clips of several speakers: SPEAKER_nohash_N.wav",
            )

    def _outside(self, clip: Clip) -> bool:
        spec = self.recipe.training
        return part_of(clip.speaker, spec.folds) != spec.tested

    def clips_of(self, part: int) -> list[Clip]:
        """The clips of one part's speakers."""
        folds = self.recipe.training.folds
        return [c for c in self.sources.clips if part_of(c.speaker, folds) == part]

    def examples(self, tested: int) -> Examples:
        """Windows of all parts but the tested one, and of what is for training only."""
        extra = [-1] if self.sources.extra else []
        parts = [p for p in range(self.recipe.training.folds) if p != tested] + extra
        found: Examples | None = None
        for part in parts:
            made = self._part(part)
            found = made if found is None else found.joined(made)
        assert found is not None  # there are two folds or more
        return found

    def _part(self, part: int) -> Examples:
        if part not in self._gathered:
            clips = self.sources.extra if part < 0 else self.clips_of(part)
            name = "other clips" if part < 0 else f"part {part}"
            self._gathered[part] = gather(
                self.recipe, clips, self.sources.noises, self.recipe.training.seed * 100 + part,
                lambda done, total: self._progress("features", done, total, name),
                self.teacher.probabilities if self.teacher else None,
            )  # fmt: skip
        return self._gathered[part]

    def train(self, tested: int | None = None) -> SpeechTrained:
        """The model that never heard part ``tested``, by default the recipe's."""
        tested = self.recipe.training.tested if tested is None else tested
        examples, hard = self.examples(tested), list[Examples]()
        for number in range(self.recipe.training.mining):
            draft = self._fitted(weighted(examples, hard, self.recipe.rest), tested, "draft", 2)
            hard.append(self._mined(draft, tested, number))
        return self._fitted(weighted(examples, hard, self.recipe.rest), tested, "training")

    def _fitted(
        self, examples: Examples, tested: int, what: str, part: int = 1
    ) -> SpeechTrained:
        """A model trained for the recipe's steps, or a ``part``-th of them."""
        clips = self.clips_of(tested) or self.sources.clips
        spec = self.recipe.training
        short = replace(spec, steps=max(1, spec.steps // part))
        return train_speech(
            replace(self.recipe, training=short), examples, clips,
            progress=lambda step, steps, loss: self._progress(
                what, step, steps, f"loss {loss:.3f}"
            ),
        )  # fmt: skip

    def _mined(self, draft: SpeechTrained, tested: int, number: int) -> Examples:
        """What a draft mistakes for words in the sound of the speakers it was trained on."""
        recipe, folds = self.recipe, self.recipe.training.folds
        heard = [c for c in self.sources.clips if part_of(c.speaker, folds) != tested]
        seed = recipe.training.seed * 100 + folds + number
        composer = Composer(recipe, [*heard, *self.sources.extra], self.sources.noises, seed)
        return mined(
            recipe, draft.tsm, composer, rows_by_core(recipe), recipe.training.mined,
            lambda done, total: self._progress("mining", done, total, f"round {number + 1}"),
        )

    def tested(self, trained: SpeechTrained, part: int | None = None) -> ClipScore:
        """The model file on the clips of a part's speakers, one by one."""
        part = self.recipe.training.tested if part is None else part
        self._progress("testing", 0, 1, "")
        return judged(self.recipe, trained.tsm, self.clips_of(part), f"part {part}")

    def folds(self) -> Iterator[tuple[SpeechTrained, ClipScore]]:
        """Every part left out once: the model that never heard it, and its score there."""
        for part in range(self.recipe.training.folds):
            if self.clips_of(part):
                trained = self.train(part)
                yield trained, self.tested(trained, part)
