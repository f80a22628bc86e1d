"""labels.py: what may be a label of a model."""

import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.labels import LABEL_BYTES_MAX, check_labels


@pytest.mark.parametrize("labels", [[], ["a"], ["a", "A", "á b"], ["x" * LABEL_BYTES_MAX]])
def test_good_ones(labels):
    check_labels(labels)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["a", "b", "a"], "'a' is there twice"),
        (["a", ""], "'' has 0 bytes"),
        (["x" * (LABEL_BYTES_MAX + 1)], "has 33 bytes, expected 1 to 32"),
        (["ü" * 17], "has 34 bytes"),
        (["x" * 3000], r"x\.\.\.' has 3000 bytes"),
        (["a\nb"], "cannot be shown"),
        (["\udcff"], "cannot be shown"),
    ],
)
def test_bad_ones(labels, says):
    with pytest.raises(TinysenseError, match=says) as caught:
        check_labels(labels)
    assert len(str(caught.value)) < 150
