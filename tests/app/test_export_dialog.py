"""The export dialog: what it promises about a file, and what it says when there is none."""

import os
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from shiboken6 import isValid

from app.export_dialog import ExportDialog
from app.exports import estimated_bytes, exportable
from app.jobs import Jobs
from assets.frame import Normalisation
from assets.open import open_path

FRAME = Normalisation(centre=np.array([1.0, -2.0, 3.0]), scale=0.25)


@pytest.fixture
def make(qapp, tmp_path, gaussians):
    jobs = Jobs()
    made = []

    def dialog(count: int = 40, path: Path = tmp_path / "out.ply", **changes) -> ExportDialog:
        options = {"normalisation": FRAME, "origin": "Step 60 of fox", **changes}
        dialog = ExportDialog(exportable(gaussians(count)), jobs=jobs, path=path, **options)
        dialog.show()
        made.append(dialog)
        return dialog

    def export(dialog: ExportDialog) -> str:
        QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
        while not dialog.save.isEnabled():
            jobs.poll()
            qapp.processEvents()
        return dialog.message.text()

    dialog.export, dialog.jobs = export, jobs
    yield dialog
    jobs.close()
    for one in filter(isValid, made):
        one.close()


def test_ply_in_the_input_frame_is_read_back_and_equal(make, tmp_path):
    dialog, told = make(), []
    dialog.exported.connect(told.append)
    text = make.export(dialog)
    assert "Read back: 40 Gaussians" in text
    assert str(tmp_path / "out.ply") in text
    assert told == [tmp_path / "out.ply"]
    back = open_path(tmp_path / "out.ply")
    np.testing.assert_array_equal(back.means, dialog._what.asset.means)
    np.testing.assert_array_equal(back.sh, dialog._what.asset.sh)


def test_the_normalised_frame_is_that_of_training(make, tmp_path):
    dialog = make()
    dialog.frame.set_value("normalised")
    make.export(dialog)
    back = open_path(tmp_path / "out.ply")
    expected = (dialog._what.asset.means - FRAME.centre) * FRAME.scale
    np.testing.assert_allclose(back.means, expected, atol=1e-5)
    np.testing.assert_allclose(back.scales, dialog._what.asset.scales * FRAME.scale, rtol=1e-5)


def test_a_file_has_no_other_frame_to_choose(make):
    assert not make(normalisation=None).frame.isEnabled()
    assert make().frame.isEnabled()


def test_format_and_suffix_follow_each_other(make, tmp_path):
    dialog = make()
    dialog.format.set_value(".splat")
    assert dialog.path.text() == str(tmp_path / "out.splat")
    assert "8-bit" in dialog.about_format.text()
    dialog.path.setText(str(tmp_path / "again.ply"))
    assert dialog.format.value == ".ply"
    dialog.path.setText(str(tmp_path / "again.splat"))
    assert "Read back: 40 Gaussians" in make.export(dialog)
    assert (tmp_path / "again.splat").stat().st_size == 32 * 40


@pytest.mark.parametrize("suffix", [".ply", ".splat"])
def test_the_size_that_is_said_is_the_size_it_has(make, tmp_path, suffix):
    dialog = make(500, tmp_path / f"out{suffix}")
    make.export(dialog)
    size = (tmp_path / f"out{suffix}").stat().st_size
    expected = estimated_bytes(500, dialog._what.asset.sh_degree, suffix)
    assert expected == pytest.approx(size, rel=0.06)


@pytest.mark.parametrize("name", ["missing/out.ply", "a file/out.ply", "a folder.ply"])
def test_what_cannot_be_written_is_a_sentence_in_the_dialog(make, tmp_path, name):
    (tmp_path / "a file").write_text("in the way")
    (tmp_path / "a folder.ply").mkdir()
    dialog = make(path=tmp_path / name)
    text = make.export(dialog)
    assert "could not be written" in text
    assert dialog.isVisible()
    dialog.path.setText(str(tmp_path / "good.ply"))
    assert "Read back" in make.export(dialog)


def test_a_full_disk_leaves_the_old_file_as_it_was(make, tmp_path, monkeypatch):
    import errno

    target = tmp_path / "out.ply"
    target.write_bytes(b"what was there before")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    text = make.export(make())
    assert "disk is full" in text
    assert target.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [target]


def test_it_warns_before_it_replaces_a_file(make, tmp_path):
    (tmp_path / "out.ply").write_text("old")
    dialog = make()
    assert "will be replaced" in dialog.message.text()
    dialog.path.setText(str(tmp_path / "new.ply"))
    assert dialog.message.text() == ""


@pytest.mark.parametrize("name", ["out", "out.v2"])
def test_a_name_without_suffix_gets_that_of_the_format(make, tmp_path, name):
    (tmp_path / f"{name}.splat").write_text("old")
    dialog = make()
    dialog.format.set_value(".splat")
    dialog.path.setText(str(tmp_path / name))
    assert "will be replaced" in dialog.message.text()
    assert f"{name}.splat" in make.export(dialog)
    assert dialog.path.text() == str(tmp_path / f"{name}.splat")
    assert len(open_path(tmp_path / f"{name}.splat")) == 40


def test_closing_while_it_writes_hurts_nobody(make, qapp, tmp_path):
    dialog = make(20_000)
    dialog.start()
    dialog.reject()
    while make.jobs._waiting:
        make.jobs.poll()
        qapp.processEvents()
    assert len(open_path(tmp_path / "out.ply")) == 20_000
