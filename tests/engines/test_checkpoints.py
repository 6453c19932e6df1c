"""A folder in which a run was saved says whose it is, or why it cannot be read."""

import json

import pytest

from assets.errors import InputError
from engines.checkpoints import FILE_NAME, engine_of, read_about


def test_a_checkpoint_says_which_engine_wrote_it(tmp_path):
    (tmp_path / FILE_NAME).write_text(json.dumps({"engine": "nerf", "step": 3}))
    assert engine_of(tmp_path) == "nerf"
    assert read_about(tmp_path)["step"] == 3
    (tmp_path / FILE_NAME).write_text("{}")
    assert engine_of(tmp_path) == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "holds no checkpoint"), ("{oops", "not valid JSON"), ("[1]", "not what a run writes")],
)
def test_what_is_no_checkpoint_is_a_sentence(tmp_path, content, words):
    if content is not None:
        (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(InputError, match=words):
        engine_of(tmp_path)
